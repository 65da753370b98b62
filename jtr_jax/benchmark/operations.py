"""Multiply-accumulate operations of a program, counted and not measured."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend import core

from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.models.resize import SCOPE as RESIZE

_TRUNKS = ("neck", "trunk")  # between backbone and head


class NetworkOperations(NamedTuple):
  """Multiply-accumulates of one image in the parts of a network.

  Attributes:
    backbone: of the backbone, or of a whole SegNet.
    trunk: of ASPP, pyramid or DPT: once if it is shared, else of all tasks.
    heads: of what else the tasks have.
  """

  backbone: int
  trunk: int
  heads: int


def of_network(net: MultiTaskNet, size: tuple[int, int]) -> NetworkOperations:
  """Return what a forward pass of one image takes; nothing is computed.

  Args:
    net: the network.
    size: (H, W) of the image, pixels.
  """
  shape = (*size, 3)
  params, state = jax.eval_shape(lambda: net.init(jax.random.key(0), shape))
  image = jax.ShapeDtypeStruct((1, *shape), jnp.float32)
  features = jax.eval_shape(
    lambda p, s, x: net.encode(p, s, x, train=False)[0], params, state, image
  )
  encoder = count(
    lambda p, s, x: net.encode(p, s, x, train=False)[0].maps,
    params,
    state,
    image,
  )
  copies = (features,) * len(net.tasks)
  decoders = count(
    lambda p, s, x: net.decode(p, s, x, train=False)[0], params, state, copies
  )
  neck, trunks = _of_trunks(encoder), _of_trunks(decoders)
  return NetworkOperations(
    encoder.total() - neck, neck + trunks, decoders.total() - trunks
  )


def _of_trunks(operations: Counter[str]) -> int:
  return sum(
    number
    for scope, number in operations.items()
    if not set(_TRUNKS).isdisjoint(scope.split("/"))
  )


def count(function: Callable[..., Any], *arguments: Any) -> Counter[str]:
  """Return multiply-accumulates of convolutions and matrix products.

  Element-wise operations, norms, pooling and resizing do not count, as in the
  papers' tables. What is traced twice, such as a scan's body, counts as often
  as it runs.

  Args:
    function: what is counted; nothing is computed.
    *arguments: arrays or their shapes.

  Returns:
    Scope, such as "encoder/backbone/stem/conv", -> operations.

  Example:
    >>> import jax.numpy as jnp
    >>> count(jnp.matmul, jnp.ones((2, 3)), jnp.ones((3, 5))).total()
    30
  """
  found: Counter[str] = Counter()
  jaxpr = jax.make_jaxpr(function)(*arguments).jaxpr
  for scope, operations in _walk(jaxpr, "", 1):
    found[scope] += operations
  return found


def _walk(jaxpr: Any, outer: str, times: int) -> Iterator[tuple[str, int]]:
  """Yield scope and operations of every equation, however deep."""
  for equation in jaxpr.eqns:
    stack = str(equation.source_info.name_stack)
    scope = "/".join(part for part in (outer, stack) if part)
    name, parameters = equation.primitive.name, equation.params
    if name == "conv_general_dilated":
      yield scope, times * _convolution(equation)
    elif name == "dot_general" and RESIZE not in scope.split("/"):
      yield scope, times * _product(equation)
    else:
      often = times * parameters.get("length", 1)
      for inner in _inner(parameters):
        yield from _walk(inner, scope, often)


def _inner(parameters: dict[str, Any]) -> Iterator[Any]:
  """Yield the programs inside of an equation."""
  for value in parameters.values():
    for item in value if isinstance(value, tuple | list) else (value,):
      if isinstance(item, core.ClosedJaxpr):
        yield item.jaxpr
      elif isinstance(item, core.Jaxpr):
        yield item


def _convolution(equation: Any) -> int:
  kernel, out = equation.invars[1].aval.shape, equation.outvars[0].aval.shape
  features = equation.params["dimension_numbers"].rhs_spec[0]
  return math.prod(out) * math.prod(kernel) // kernel[features]


def _product(equation: Any) -> int:
  (contracted, _), _ = equation.params["dimension_numbers"]
  left = equation.invars[0].aval.shape
  out = equation.outvars[0].aval.shape
  return math.prod(out) * math.prod(left[axis] for axis in contracted)
