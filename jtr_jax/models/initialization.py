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
  "query_bias": 0.0,
  "value_bias": 0.0,
  "mask_token": 0.0,
  "layer_scale": 1e-6,  # ConvNeXt
  "layer_scale1": 1e-5,  # DINOv2 and DINOv3
  "layer_scale2": 1e-5,
}
_TOKENS = ("class_token", "register_tokens", "position")
_TOKEN_DEVIATION = 0.02


def initialize(
  module: nn.Module, key: jax.Array, inputs: Any
) -> Mapping[str, Any]:
  """Return the variables of a module, kernels drawn by Xavier's normal rule.

  A kernel of shape [..., in, out] with n = prod(...) has the standard deviation
  sqrt(2 / (n in + n out)); biases are 0; norms and FiLM start as the identity.
  Tokens and positions of transformers are drawn, too; layer scales start small.

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
  drawn = ("kernel", *_TOKENS)
  sizes = [math.prod(x.shape) for path, x in leaves if _name(path) in drawn]
  noise = jax.random.normal(key, (sum(sizes),))
  values, start = [], 0
  for path, leaf in leaves:
    if _name(path) in drawn:
      size = math.prod(leaf.shape)
      own = noise[start : start + size].reshape(leaf.shape)
      values.append(_deviation(path, leaf.shape) * own)
      start += size
    else:
      values.append(jnp.full(leaf.shape, _constant(path), jnp.float32))
  variables: Mapping[str, Any] = jax.tree.unflatten(structure, values)
  return variables


def _deviation(path: tuple[Any, ...], shape: tuple[int, ...]) -> float:
  if _name(path) in _TOKENS:
    return _TOKEN_DEVIATION
  *window, fan_in, fan_out = shape
  return math.sqrt(2 / (math.prod(window) * (fan_in + fan_out)))


def _constant(path: tuple[Any, ...]) -> float:
  name = _name(path)
  if name not in _CONSTANTS:
    known = ("kernel", *_TOKENS, *_CONSTANTS)
    raise errors.unknown_name("parameter name", name, known)
  return _CONSTANTS[name]


def _name(path: tuple[Any, ...]) -> str:
  return str(path[-1].key)
