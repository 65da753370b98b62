"""Starting values of all parameters of a module, in one draw.

Linen would draw every kernel on its own, and XLA would compile every draw: for
SegNet that took most of a minute, against less than a second for one draw that
is cut into pieces.
"""

import math
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtr_jax.core import errors

_CONSTANTS = {
  "bias": 0.0,
  "scale": 1.0,
  "mean": 0.0,
  "var": 1.0,
  "gamma": 1.0,
  "beta": 0.0,
}


def initialize(
  module: nn.Module, key: jax.Array, inputs: Any
) -> Mapping[str, Any]:
  """Return the variables of a module, kernels drawn by Xavier's normal rule.

  A kernel of shape [..., in, out] with n = prod(...) has the standard deviation
  sqrt(2 / (n in + n out)); biases are 0; batch norm and FiLM start as the
  identity.

  Args:
    module: called as module(inputs, train=True).
    key: of this module.
    inputs: arrays or their shapes; no value is looked at.

  Returns:
    "params" and, if there is batch norm, "batch_stats"; float32.

  Raises:
    ValueError: a parameter with a name that is not known here.

  Source: Glorot and Bengio 2010; released models, `xavier_normal_`.
  """
  shapes = jax.eval_shape(
    lambda x: module.init(jax.random.key(0), x, train=True), inputs
  )
  leaves, structure = jax.tree.flatten_with_path(shapes)
  sizes = [math.prod(x.shape) for path, x in leaves if _name(path) == "kernel"]
  noise = jax.random.normal(key, (sum(sizes),))
  values, start = [], 0
  for path, leaf in leaves:
    if _name(path) == "kernel":
      size = math.prod(leaf.shape)
      values.append(_scaled(noise[start : start + size], leaf.shape))
      start += size
    else:
      values.append(jnp.full(leaf.shape, _constant(path), jnp.float32))
  variables: Mapping[str, Any] = jax.tree.unflatten(structure, values)
  return variables


def _scaled(noise: jax.Array, shape: tuple[int, ...]) -> jax.Array:
  *window, fan_in, fan_out = shape
  deviation = math.sqrt(2 / (math.prod(window) * (fan_in + fan_out)))
  return deviation * noise.reshape(shape)


def _constant(path: tuple[Any, ...]) -> float:
  name = _name(path)
  if name not in _CONSTANTS:
    raise errors.unknown_name("parameter name", name, ("kernel", *_CONSTANTS))
  return _CONSTANTS[name]


def _name(path: tuple[Any, ...]) -> str:
  return str(path[-1].key)
