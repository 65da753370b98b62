"""Names of balancings in config files."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from jtr_jax.balancing import registry as balancers
from jtr_jax.balancing import uncertainty
from jtr_jax.balancing.base import TaskLoss
from jtr_jax.balancing.gradient_balancer import GradientBalancer
from jtr_jax.balancing.loss_balancer import LossBalancer
from jtr_jax.config import build, own_parts, registry, schema
from jtr_jax.config.settings import BalancingSettings, Part, Settings
from jtr_jax.core import errors


class Preset(NamedTuple):
  """A name for a pair of balancers with settings.

  Attributes:
    loss: name of the loss balancer; "": the sum of the losses.
    gradient: name of the gradient balancer; "": none.
    loss_fields: settings that are not the default.
    gradient_fields: likewise.
    scope: what the gradient balancer acts on; "default" is its paper's.
    smoothing: of the gradient balancer's weights.
  """

  loss: str = ""
  gradient: str = ""
  loss_fields: Mapping[str, Any] = {}
  gradient_fields: Mapping[str, Any] = {}
  scope: str = "default"
  smoothing: float = 0.0


_IAL_DECODERS = {
  "form": "log_sigma",
  "initial_weight": uncertainty.IAL_INITIAL_WEIGHT,
}

PRESETS: Mapping[str, Preset] = {
  **{name: Preset(loss=name) for name in balancers.LOSS},
  **{name: Preset(gradient=name) for name in balancers.GRADIENT},
  "ial": Preset("uw", "ial", loss_fields=_IAL_DECODERS),
  "imtl": Preset("imtl_l", "imtl_g"),
  "db_mtl": Preset("logarithmic", "db_mtl"),
  "cr_mogm": Preset(gradient="mgda", smoothing=0.9),
  "mgda_ub": Preset(gradient="mgda", scope="features"),
  "amtl_arithmetic": Preset("amtl", loss_fields={"mean": "arithmetic"}),
  "dtp_geometric": Preset("dtp", loss_fields={"mean": "geometric"}),
  "dwa_geometric": Preset("dwa", loss_fields={"mean": "geometric"}),
  "rlw_geometric": Preset("rlw", loss_fields={"mean": "geometric"}),
}
"""Every single balancer, and the pairs that are methods of their own."""


def choose(name: str) -> dict[str, Any]:
  """Return the fields of the section `balancing` for a name.

  The loss of a task is what the loss balancer is meant for: its part of the
  method's objective for a plain sum, else the mean over its labelled images.

  Args:
    name: a key of `PRESETS`, a loss and a gradient balancer as "uw+pcgrad", or
      for either of them `package.module:attribute`.

  Raises:
    ValueError: an unknown name, naming the nearest.
  """
  preset = _preset(name)
  weighting = _part("loss", preset.loss, preset.loss_fields)
  return {
    "loss": weighting,
    "gradient": _part("gradient", preset.gradient, preset.gradient_fields),
    "scope": preset.scope,
    "smoothing": preset.smoothing,
    "task_loss": default_task_loss(weighting),
  }


def use_balancing(config: ConfigDict, name: str) -> ConfigDict:
  """Use a balancing by name, see `choose`; the config is changed."""
  for field, value in choose(name).items():
    is_part = isinstance(value, Part)
    config.balancing[field] = as_section(value) if is_part else value
  return config


def with_balancing(settings: Settings, name: str) -> Settings:
  """Return settings with a balancing, `name` or `name@scope`."""
  name, _, scope = name.partition("@")
  chosen = choose(name)
  if scope:
    field = schema.fields_of(BalancingSettings)["scope"]
    schema.check("balancing.scope", scope, field)
    chosen["scope"] = scope
  balancing = dataclasses.replace(settings.balancing, **chosen)
  return dataclasses.replace(settings, balancing=balancing)


def as_section(part: Part) -> ConfigDict:
  """Return a part as a section of a config."""
  return ConfigDict({"name": part.name, **part.fields})


def default_task_loss(loss: Part) -> TaskLoss:
  """Return the loss of a task that a loss balancer is meant for."""
  example: LossBalancer = build.make_part(loss, 1, LossBalancer, period=1)
  return example.default_task_loss


def _part(side: str, name: str, fields: Mapping[str, Any]) -> Part:
  """Return the balancer of a preset; "" is the default of its table."""
  table = registry.PARTS[f"balancing.{side}"]
  name = name or table.default
  return table.find("balancing", name).part(name, **fields)


def _preset(name: str) -> Preset:
  first, plus, second = name.partition("+")
  if not plus:
    return _find(name)
  loss, gradient = _find(first), _find(second)
  if loss.gradient or not gradient.gradient:
    raise ValueError(
      errors.message(
        f"Balancing {name!r} is not a pair",
        found=f"{first!r} and {second!r}",
        expected="a loss balancer, a plus sign and a gradient balancer",
        do="Write for example balancing=uw+pcgrad.",
      )
    )
  if gradient.loss == loss.loss:  # uw+ial is ial
    return gradient
  return gradient._replace(loss=loss.loss, loss_fields=loss.loss_fields)


def _find(name: str) -> Preset:
  if own_parts.is_own(name):
    return _own(name)
  if name not in PRESETS:
    raise errors.unknown_name("balancing", name, PRESETS)
  return PRESETS[name]


def _own(name: str) -> Preset:
  """Return the preset of a user's balancer of either kind."""
  part = registry.find("balancing", name, {}).part(name)
  made = build.make_part(part, 1, LossBalancer, GradientBalancer, period=1)
  is_loss = isinstance(made, LossBalancer)
  return Preset(loss=name) if is_loss else Preset(gradient=name)
