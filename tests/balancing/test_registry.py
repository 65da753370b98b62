"""Every balancer is one function in one file, and all are exported."""

import os
import subprocess
import sys
from pathlib import Path

import optax
import pytest

from jtr_jax import balancing
from jtr_jax.balancing import gradient, loss, registry
from jtr_jax.balancing.gradient_balancer import GradientBalancer
from jtr_jax.balancing.loss_balancer import LossBalancer


@pytest.mark.parametrize(
  ("package", "builders"),
  [(loss, registry.LOSS), (gradient, registry.GRADIENT)],
)
def test_files_are_named_as_the_registry_names_balancers(package, builders):
  files = {path.stem for path in Path(package.__file__).parent.glob("*.py")}
  assert files - {"__init__"} == set(builders)
  for name, builder in builders.items():
    assert builder.__name__ == name
    assert builder.__module__ == f"{package.__name__}.{name}"


def test_all_balancers_are_exported_and_nothing_else():
  assert balancing.__all__ == sorted([*registry.LOSS, *registry.GRADIENT])
  for name in balancing.__all__:
    builders = registry.LOSS if name in registry.LOSS else registry.GRADIENT
    assert getattr(balancing, name) is builders[name]
  assert balancing.get is registry.get
  assert set(balancing.__all__) < set(dir(balancing))
  with pytest.raises(AttributeError, match="pcgard"):
    _ = balancing.pcgard


def test_names_are_those_of_the_balancers():
  for name in balancing.__all__:
    settings = {"period": 2} if name in ("atw", "dwa", "puw", "stch") else {}
    found = balancing.get(name, 3, **settings)
    assert found.name == name
    kind = LossBalancer if name in registry.LOSS else GradientBalancer
    assert isinstance(found, kind)


@pytest.mark.parametrize(
  ("arguments", "settings", "told"),
  [
    (("pcgard", 3), {}, "Did you mean 'pcgrad'"),
    (("cagrad", 3), {"rescael": 2}, "Did you mean 'rescale'"),
    (("dwa", 3), {}, "needs the setting 'period'"),
  ],
)
def test_what_cannot_be_got_is_an_error(arguments, settings, told):
  with pytest.raises(ValueError, match=told):
    balancing.get(*arguments, **settings)


def test_import_is_light():
  code = "import jtr_jax.balancing, sys; print('jax' in sys.modules)"
  done = subprocess.run(
    [sys.executable, "-c", code], capture_output=True, text=True, check=True
  )
  assert done.stdout.strip() == "False"


def test_building_starts_no_device():
  """A config is read before devices may be used, in several processes."""
  code = """
from jtr_jax import balancing
for name in balancing.__all__:
  settings = {"period": 2} if name in ("atw", "dwa", "puw", "stch") else {}
  balancing.get(name, 3, **settings)
"""
  environment = {**os.environ, "JAX_PLATFORMS": "nowhere"}
  subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_plain_sums_keep_the_method_s_losses():
  plain = {
    name
    for name in registry.LOSS
    if name not in ("atw", "dwa", "puw", "stch")
    and balancing.get(name, 2).is_plain_sum
  }
  assert plain == {"uniform"}
  assert balancing.uniform(2).default_task_loss == "term"
  assert balancing.gls(2).default_task_loss == "mean"


@pytest.mark.parametrize("name", sorted(registry.GRADIENT))
def test_gradient_balancers_are_optax_transformations(name):
  balancer = registry.GRADIENT[name](2)
  assert isinstance(balancer, optax.GradientTransformationExtraArgs)
  init, update = balancer
  assert (init, update) == (balancer.init, balancer.update)
  changed = balancer._replace(scopes=("features",))
  assert isinstance(changed, GradientBalancer)
  assert changed.scopes == ("features",)
  assert changed.update is update
  traits = ("name", "weighs_decoders", "unweighted", "needs_sigma")
  for trait in traits:
    assert getattr(changed, trait) == getattr(balancer, trait)


def test_older_names_lead_to_todays():
  names = {*registry.LOSS, *registry.GRADIENT}
  assert set(registry.RENAMED.values()) < names
  assert set(registry.RENAMED_FIELDS) < names
  assert registry.upgraded({"name": "config"}) == {"name": "con_fig"}
  old = {"name": "ial", "shares": (0.2,), "memory": 0.5, "cap": "exp"}
  new = {
    "name": "ial",
    "auxiliary_weights": (0.2,),
    "ema_decay": 0.5,
    "cap": "exp",
  }
  assert registry.upgraded(old) == new
