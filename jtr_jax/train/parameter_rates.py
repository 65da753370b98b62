"""Learning rates that differ from parameter to parameter."""

import re
from collections.abc import Iterable
from typing import Any

import jax
import optax

from jtr_jax.core import errors
from jtr_jax.methods.base import Tree
from jtr_jax.models import parameter_names

_BACKBONE = "encoder/backbone/"
_LAST = ("norm", "top")  # of a backbone, what follows the numbered parts


def scale_rates(
  backbone: float, layer_decay: float
) -> optax.GradientTransformation:
  """Return factors on the updates of a network's backbone; 1 elsewhere.

  With L numbered parts, such as blocks, the part i = 1..L of the backbone has
  the factor backbone * layer_decay^(L - i + 1), what is ahead of them
  backbone * layer_decay^(L + 1), and what follows them `backbone`.

  Args:
    backbone: factor of the whole backbone.
    layer_decay: factor from one part to the one before.

  Raises:
    ValueError: by `init`, if the network has no backbone to train.

  Source: Bao et al. 2022 (BEiT), for the decay; a trained backbone is commonly
    given a tenth to a third of the heads' rate.
  """

  def init(params: Tree) -> optax.EmptyState:
    known = parameter_names.names(params)
    if not any(name.startswith(_BACKBONE) for name in known):
      raise ValueError(
        errors.message(
          "There is no backbone to train at a rate of its own",
          found=f"optimizer.backbone_factor={backbone:g} and "
          f"optimizer.layer_decay={layer_decay:g}",
          expected=f"parameters below {_BACKBONE} that are not frozen",
          do="Set both to 1, or choose a network with a backbone.",
        )
      )
    return optax.EmptyState()

  def update(
    updates: Tree, state: optax.EmptyState, params: Tree | None = None
  ) -> tuple[Tree, optax.EmptyState]:
    del params
    depths = _depths(parameter_names.names(updates))
    top = max(depths.values(), default=0)

    def scaled(path: tuple[Any, ...], value: jax.Array) -> jax.Array:
      part = _part(parameter_names.name_of(path))
      if part is None:
        return value
      return backbone * layer_decay ** (top - depths[part]) * value

    return jax.tree.map_with_path(scaled, updates), state

  return optax.GradientTransformation(init, update)


def _depths(names: Iterable[str]) -> dict[str, int]:
  """Return the depth of every part of the backbone, 0 at the image."""
  parts = {part for part in map(_part, names) if part is not None}
  numbers = {part: tuple(map(int, re.findall(r"\d+", part))) for part in parts}
  order = sorted({key for key in numbers.values() if key})
  last = len(order) + 1
  depths = {}
  for part, key in numbers.items():
    ahead = last if part in _LAST else 0
    depths[part] = order.index(key) + 1 if key else ahead
  return depths | {"": last}


def _part(name: str) -> str | None:
  """Return which part of the backbone a parameter is in, None for none."""
  if not name.startswith(_BACKBONE):
    return None
  return name.removeprefix(_BACKBONE).partition("/")[0]
