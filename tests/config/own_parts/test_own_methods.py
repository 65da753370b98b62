"""Methods from a user's own file, with what they declare."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.config import (
  build,
  build_optimizer,
  command_line,
  label_warnings,
  presets,
  resolve,
)
from tests.config.own_parts.own_settings import FOLDER, rooms, tasks_of


def test_an_own_method_with_its_fields():
  settings = rooms("method.name=my_lab:sharper", "method.strength=3")
  assert settings.method.fields == {"strength": 3.0, "label_weighting": "sum"}
  tasks = tasks_of(settings)
  method = build.make_method(settings, tasks, 10.0)
  assert len(method.views) == 1
  plain = resolve.to_plain(settings)
  assert plain["method"]["name"] == "my_lab:sharper"
  assert resolve.resolve(plain) == settings


def test_an_own_method_as_an_argument():
  settings = command_line.settings(f"{FOLDER}:raw=D,method=my_lab:sharper")
  assert settings.method.name == "my_lab:sharper"
  assert settings.method.fields["strength"] == 2.0


def test_config_files_take_own_parts_too():
  config = presets.use_method(presets.base(), "my_lab:sharper", strength=4.0)
  assert resolve.resolve(config).method.fields["strength"] == 4.0
  with pytest.raises(ValueError, match="Did you mean 'strength'"):
    presets.use_method(presets.base(), "my_lab:sharper", strenth=4.0)


def test_an_own_method_declares_optimiser_groups():
  settings = rooms(
    "method.name=my_lab:with_scales",
    "optimizer.scales_decay_epochs=3",
    "optimizer.clip_norm=0",
  )
  groups = settings.optimizer.groups
  assert groups == {
    "scales_learning_rate": 1e-2,
    "scales_decay_rate": 0.5,
    "scales_decay_epochs": 3,
  }
  updates = first_updates(settings)
  np.testing.assert_allclose(updates["method"]["scale"], -1e-2, rtol=1e-4)
  np.testing.assert_allclose(updates["encoder"]["w"], -1e-3, rtol=1e-4)


def first_updates(settings):
  """Return the first updates for a gradient of 1."""
  method = build.make_method(settings, tasks_of(settings), 10.0)
  optimizer = build_optimizer.make_optimizer(settings, method, 10.0)
  own, _ = method.init(jax.random.key(0), (8, 8))
  params = {"encoder": {"w": jnp.ones(2)}, "method": own}
  gradients = jax.tree.map(jnp.ones_like, params)
  return optimizer.update(gradients, optimizer.init(params), params)[0]


def test_an_own_method_declares_variants():
  strength = lambda arg: command_line.settings(
    f"{FOLDER}:raw=D,method=my_lab:with_scales{arg}"
  ).method.fields["strength"]
  assert strength("") == 1
  assert strength(",variant=official") == 5
  with pytest.raises(ValueError, match="Did you mean 'official'"):
    strength(",variant=offical")
  config = presets.use_method(presets.base(), "my_lab:with_scales")
  presets.use_schedule(config, "my_lab:with_scales", variant="official")
  assert resolve.resolve(config).train.epochs == 7


def test_an_own_method_declares_what_its_fields_are_for(monkeypatch):
  word = "method.name=my_lab:with_scales"
  fields = rooms(word).method.fields
  assert fields["widths"] == (8, 16, 32, 64, 64)  # of the network
  assert not fields["all_images"]
  some = rooms(word, "data.scenario=randomlabels+unlabelled30").method
  assert some.fields["all_images"]
  warnings = []
  monkeypatch.setattr(
    label_warnings.logging, "warning", lambda _, text: warnings.append(text)
  )
  label_warnings.warn(some, np.ones((1, 1), bool))
  assert warnings == ["1.0 [[ True]]"]


@pytest.mark.parametrize(
  ("name", "error"),
  [
    ("without_a_paper", "my_lab:without_a_paper has no default variant"),
    ("misspelt_variant", "variant 'paper': train.*Did you mean 'epochs'"),
    ("misspelt_field", "unlabelled.*Did you mean 'all_images'"),
    ("negative_rate", "group 'scales'.*learning_rate.*more than 0"),
  ],
)
def test_what_a_method_declares_is_checked(name, error):
  with pytest.raises(ValueError, match=error):
    rooms(f"method.name=my_lab:{name}")


def test_a_group_that_is_not_declared_is_named():
  settings = rooms("method.name=my_lab:undeclared_group")
  error = r"optimiser group.*'scales'.*one of main"
  with pytest.raises(ValueError, match=error):
    first_updates(settings)
