"""Parts from a user's own file, named `package.module:attribute`."""

import jax.numpy as jnp
import pytest

from jtr_jax.config import build, build_balancing
from tests.config.own_parts.own_settings import rooms, tasks_of


def test_an_own_network():
  settings = rooms("model.name=my_lab:narrow", "model.width=6")
  net = build.make_model(settings, tasks_of(settings))
  assert net.encoder.filters == (6, 6)
  assert net.encoder.dtype == jnp.float32
  assert settings.method.fields["autoencoder_filters"] == (8, 16, 32, 64, 64)


@pytest.mark.parametrize("how", ["fields", "argument"])
def test_own_balancers(how):
  if how == "fields":
    settings = rooms(
      "balancing.loss.name=my_lab:halves",
      "balancing.loss.factor=0.25",
      "balancing.gradient.name=my_lab:first_alone",
    )
    factor = 0.25
  else:
    settings = rooms(arg="balancing=my_lab:halves+my_lab:first_alone")
    factor = 0.5
  assert settings.balancing.loss.fields == {"factor": factor}
  assert settings.balancing.gradient.fields == {"soft": False}
  assert settings.balancing.task_loss == "mean"
  tasks = tasks_of(settings)
  made = build_balancing.make_balancing(settings, tasks, 2.0)
  assert made.gradient.name == "pcgrad"
  assert made.loss.name == "fixed"


@pytest.mark.parametrize(
  ("fields", "error"),
  [
    (("method.name=my_lab:sharper", "method.strength=0"), "more than 0"),
    (("method.name=my_lab:sharper", "method.strenght=1"), "method.strength'"),
    (
      ("method.name=my_lab:sharper", "method.label_weighting=mage"),
      "Did you mean 'image'",
    ),
    (("method.name=my_lab:sharper", "method.dist_weight=1"), "dist_weight"),
    (("method.name=my_lab:sharpr",), "Did you mean 'sharper'"),
    (("method.name=my_lb:sharper",), "ModuleNotFoundError.*PYTHONPATH"),
    (("method.name=my_broken:x",), r"ZeroDivisionError.*my_broken\.py, line 2"),
    (("method.name=my_lab:NUMBER",), "Found: a int"),
    (("method.name=my_lab:strict",), "'strength' without a default"),
    (("optimizer.name=optax:adamw", "optimizer.b3=1"), "optimizer.b3"),
  ],
)
def test_what_is_wrong_is_named(fields, error):
  with pytest.raises(ValueError, match=error):
    rooms(*fields)


@pytest.mark.parametrize(
  ("place", "make"),
  [
    ("method", lambda s: build.make_method(s, tasks_of(s), 1.0)),
    ("model", lambda s: build.make_model(s, tasks_of(s))),
    (
      "balancing.loss",
      lambda s: build_balancing.make_balancing(s, tasks_of(s), 1.0),
    ),
  ],
)
def test_a_part_that_makes_something_else_is_named(place, make):
  with pytest.raises(ValueError, match=r"'my_lab:nothing' makes.*Found: a int"):
    make(rooms(f"{place}.name=my_lab:nothing"))
