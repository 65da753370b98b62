"""Recordings of kind "aggregators": K gradients and the one made of them."""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize

from jtr_jax.balancing import registry
from jtr_jax.balancing.gradient_balancer import GradientBalancer
from jtr_jax.core import errors
from jtr_jax.verify.comparison import (
  Quantity,
  RecordError,
  Recording,
  unusable,
)

TOLERANCE = 1e-5
"""For what was recorded by a formula or by an exact solver."""

ITERATIVE_TOLERANCE = 2e-3
"""For what was recorded by a solver that stops early: of conic programs for
Nash-MTL and CAGrad, of bounded least squares for FairGrad."""

_RESOLVED = 1e-6
"""Of a Gram matrix of norm 1; the solver of Nash-MTL does not see smaller
entries."""

_ITERATIVE = ("fairgrad", "nash_mtl")
_INPUT = "jacobian/"
_CAGRAD = re.compile(r"cagrad_c([0-9.]+)")

Make: TypeAlias = Callable[[int], GradientBalancer]
Aggregate: TypeAlias = Callable[[np.ndarray], np.ndarray]

_METHODS: Mapping[str, Make] = MappingProxyType(
  {
    **{
      name: registry.GRADIENT[registry.RENAMED.get(name, name)]
      for name in (
        *("aligned_mtl", "config", "dualproj", "imtl_g"),
        *("mean", "sum", "upgrad"),
      )
    },
    "fairgrad": lambda k: registry.GRADIENT["fairgrad"](k, 1.0),
    "mgda": lambda k: registry.GRADIENT["mgda"](k, solver="frank_wolfe"),
    "nash_mtl": lambda k: registry.GRADIENT["nash_mtl"](k, variant="official"),
  }
)


def recompute(recording: Recording) -> Iterator[Quantity]:
  """Yield every recorded gradient.

  All cases are filled up to the same size, with absent tasks and with zeros, so
  that a method is compiled once. Computed in float64, as the recordings are:
  Frank-Wolfe may take another way in float32.

  Args:
    recording: arrays as described in the golden files' layout.

  Returns:
    The quantities, one at a time. Of Nash-MTL only the norm is compared where
    gradients are too small for the recorded solver; it is 1, the limit. Where
    the recorded program has no minimum the recorded weights stayed at 1, and
    the gradient is that.

  Raises:
    RecordError: an array is missing, damaged, or of an unknown method.
  """
  cases = _cases(recording)
  rows = max(len(jacobian) for jacobian in cases.values())
  columns = max(jacobian.shape[1] for jacobian in cases.values())
  methods = _methods(recording)
  _check_outputs(recording, methods, cases)
  for method in methods:
    aggregate = _aggregator(_maker(method), rows, columns)
    for case, jacobian in cases.items():
      name = f"{method}/{case}"
      actual = aggregate(jacobian)
      yield _quantity(name, method, jacobian, recording[name], actual)


def _quantity(
  name: str,
  method: str,
  jacobian: np.ndarray,
  expected: np.ndarray,
  actual: np.ndarray,
) -> Quantity:
  iterative = method in _ITERATIVE or _CAGRAD.fullmatch(method) is not None
  tolerance = ITERATIVE_TOLERANCE if iterative else TOLERANCE
  quantity = Quantity(name, expected, actual, tolerance)
  comparable = _COMPARABLE.get(method)
  return comparable(quantity, jacobian) if comparable else quantity


def _as_far_as_solved(quantity: Quantity, jacobian: np.ndarray) -> Quantity:
  """Return what the recorded solver of Nash-MTL could determine."""
  if not _resolved(jacobian):
    return dataclasses.replace(
      quantity,
      name=f"{quantity.name} (norm)",
      expected=np.asarray(np.linalg.norm(quantity.expected)),
      actual=np.asarray(np.linalg.norm(quantity.actual)),
    )
  if _unbounded(jacobian):
    total = jacobian.sum(0)
    kept = total / max(1, np.linalg.norm(total))
    return dataclasses.replace(quantity, actual=kept)
  return quantity


_COMPARABLE: Mapping[str, Callable[[Quantity, np.ndarray], Quantity]] = (
  MappingProxyType({"nash_mtl": _as_far_as_solved})
)
"""Methods whose recorded program does not always find its solution."""


def _resolved(jacobian: np.ndarray) -> bool:
  """Return whether a conic solver sees every gradient that is not 0."""
  gram = jacobian @ jacobian.T
  squares = np.diagonal(gram)
  smallest = np.min(squares, where=squares > 0, initial=np.inf)
  return bool(smallest > _RESOLVED * np.linalg.norm(gram))


def _unbounded(jacobian: np.ndarray) -> bool:
  """Return whether the first program of the released Nash-MTL has no minimum.

  It minimises c.a under log a_k + log (G a)_k + log N >= 0, with N = |J J^T|,
  G = J J^T / N and c = G 1 + (1 + G (1 / G 1)) / N. Any long enough a with
  a > 0 and G a > 0 is allowed, so there is none if c.a < 0 for one of those.
  """
  gram = jacobian @ jacobian.T
  size = np.linalg.norm(gram)
  gram = gram / size
  along = gram.sum(0)
  if not np.all(along):
    return False
  found = optimize.linprog(
    along + (1 + (1 / along) @ gram) / size,
    A_ub=-gram,
    b_ub=np.zeros(len(gram)),
    A_eq=np.ones((1, len(gram))),
    b_eq=[1],
  )
  return bool(found.success and found.fun < 0)


def _cases(recording: Recording) -> dict[str, np.ndarray]:
  cases = {
    name.removeprefix(_INPUT): recording[name]
    for name in recording
    if name.startswith(_INPUT)
  }
  if not cases:
    raise unusable(f"{_INPUT}<case>", found="none", expected="at least one")
  for case, jacobian in cases.items():
    finite = jacobian.ndim == 2 and np.all(np.isfinite(jacobian))
    if not finite or 0 in jacobian.shape:
      raise unusable(
        _INPUT + case,
        found=f"shape {jacobian.shape}, or numbers that are not finite",
        expected="finite numbers [K, n]",
      )
  return cases


def _methods(recording: Recording) -> list[str]:
  """Return the known methods, and radii of CAGrad; all should be recorded."""
  names = {n.split("/")[0] for n in recording if "/" in n} - {"jacobian"}
  radii = {name for name in names if _CAGRAD.fullmatch(name)}
  unknown = names - radii - set(_METHODS)
  for name in sorted(unknown):
    raise RecordError(str(errors.unknown_name("method", name, _METHODS)))
  return sorted({*_METHODS, *(radii or {"cagrad_c0.5"})})


def _check_outputs(
  recording: Recording, methods: list[str], cases: Mapping[str, np.ndarray]
) -> None:
  for method in methods:
    for case, jacobian in cases.items():
      found = recording[f"{method}/{case}"].shape
      if found != jacobian.shape[1:]:
        raise unusable(
          f"{method}/{case}", found=found, expected=jacobian.shape[1:]
        )


def _maker(method: str) -> Make:
  if match := _CAGRAD.fullmatch(method):
    radius = float(match[1])
    return lambda k: registry.GRADIENT["cagrad"](k, radius, rescale=0)
  return _METHODS[method]


def _aggregator(make: Make, rows: int, columns: int) -> Aggregate:
  """Return the compiled method for Jacobians of up to this size."""
  balancer = make(rows)
  update = jax.jit(balancer.update)

  def aggregate(jacobian: np.ndarray) -> np.ndarray:
    count, length = jacobian.shape
    padding = ((0, rows - count), (0, columns - length))
    with jax.enable_x64(True):
      gradient, _ = update(
        jnp.asarray(np.pad(jacobian, padding), jnp.float64),
        balancer.init(jnp.zeros(columns)),
        present=jnp.arange(rows) < count,
      )
    return np.asarray(gradient)[:length]

  return aggregate
