"""How config files choose the balancing of losses and gradients."""

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from jtr_jax.config import registry
from jtr_jax.config.sections import make_section
from jtr_jax.core import errors


class Preset(NamedTuple):
  """A name for a pair of balancers with settings.

  Attributes:
    loss: name of the loss balancer.
    gradient: name of the gradient balancer, or "none".
    loss_fields: settings that are not the default.
    gradient_fields: likewise.
    scope: what the gradient balancer acts on; "default" is its paper's.
  """

  loss: str = "uniform"
  gradient: str = "none"
  loss_fields: Mapping[str, Any] = {}
  gradient_fields: Mapping[str, Any] = {}
  scope: str = "default"


_IAL_DECODERS = {"form": "log_sigma", "initial_weight": 0.1}  # IAL, Sec. IV-B

PRESETS: Mapping[str, Preset] = {
  **{name: Preset(loss=name) for name in registry.LOSS_BALANCERS},
  **{
    name: Preset(gradient=name)
    for name in registry.GRADIENT_BALANCERS
    if name != "none"
  },
  "ial": Preset("uw", "ial", loss_fields=_IAL_DECODERS),
  "imtl": Preset("imtl_l", "imtl_g"),
  "db_mtl": Preset("logarithmic", "db_mtl"),
  "mgda_ub": Preset(gradient="mgda", scope="features"),
  "amtl_arithmetic": Preset("amtl", loss_fields={"mean": "arithmetic"}),
  "dtp_geometric": Preset("dtp", loss_fields={"mean": "geometric"}),
  "dwa_geometric": Preset("dwa", loss_fields={"mean": "geometric"}),
  "rlw_geometric": Preset("rlw", loss_fields={"mean": "geometric"}),
}
"""Every balancer by itself, and the pairs that are methods of their own."""


def use_balancing(config: ConfigDict, name: str) -> ConfigDict:
  """Take a balancing by name.

  The loss of a task is what the loss balancer is meant for: its part of the
  method's objective for a plain sum, else the mean over its labelled images.

  Args:
    config: the config.
    name: a key of `PRESETS`, or a loss and a gradient balancer as "uw+pcgrad".

  Returns:
    The config.

  Raises:
    ValueError: an unknown name, naming the nearest.
  """
  preset = _preset(name)
  config.balancing.loss = make_section(
    "loss balancer",
    preset.loss,
    registry.LOSS_BALANCERS,
    preset.loss_fields,
    {},
  )
  config.balancing.gradient = make_section(
    "gradient balancer",
    preset.gradient,
    registry.GRADIENT_BALANCERS,
    preset.gradient_fields,
    {},
  )
  config.balancing.scope = preset.scope
  loss = registry.LOSS_BALANCERS[preset.loss].build
  taken = inspect.signature(loss).parameters
  probe = loss(1, **({"period": 1} if "period" in taken else {}))
  config.balancing.task_loss = probe.default_task_loss
  return config


def _preset(name: str) -> Preset:
  first, plus, second = name.partition("+")
  if not plus:
    return registry.find("balancing", name, PRESETS)
  loss = registry.find("balancing", first, PRESETS)
  gradient = registry.find("balancing", second, PRESETS)
  if loss.gradient != "none" or gradient.gradient == "none":
    raise ValueError(
      errors.message(
        f"Balancing {name!r} is not a pair",
        found=f"{first!r} and {second!r}",
        expected="a loss balancer, a plus sign and a gradient balancer",
        do="Write for example balancing=uw+pcgrad.",
      )
    )
  return gradient._replace(loss=loss.loss, loss_fields=loss.loss_fields)
