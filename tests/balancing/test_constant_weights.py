from jtr_jax.balancing import constant_weights, registry
from jtr_jax.config import registry as parts


@constant_weights.declare("factors", schedule="never")
def mine(num_tasks, *, factors=(), schedule="never"):
  del factors, schedule
  return registry.LOSS["uniform"](num_tasks)


def test_a_setting_counts_under_the_conditions_that_were_declared():
  known = {"factors": (), "schedule": "never"}
  assert constant_weights.setting_of(mine, known) == "factors"
  changed = {**known, "schedule": "cosine"}
  assert constant_weights.setting_of(mine, changed) == ""


def test_two_balancers_have_constant_weights():
  found = {}
  for table in (parts.LOSS_BALANCERS, parts.GRADIENT_BALANCERS):
    for name, entry in table.items():
      fixed = {"indicator": "fixed"} if "indicator" in entry.fields else {}
      fields = entry.part(name, **fixed).fields
      found[name] = constant_weights.setting_of(entry.build, fields)
  assert {name: setting for name, setting in found.items() if setting} == {
    "fixed": "weights",
    "ial": "auxiliary_weights",
  }
  ial = parts.GRADIENT_BALANCERS["ial"]
  usual = ial.part("ial").fields
  assert constant_weights.setting_of(ial.build, usual) == ""
