"""Quadratic programs over x >= 0, solved exactly by pivoting between supports.

A few K x K solves, each from scratch, so that no rounding piles up. K is the
number of tasks: small.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jax.scipy import linalg

MAX_PIVOTS = 60
"""Rarely more than ten are needed for twenty tasks."""

_PATIENCE = 3
"""Exchanges of all violations that may fail to help, before one at a time."""


class Vertex(NamedTuple):
  """The solution of a support.

  Attributes:
    x: f32[K], the solution if the support is right, 0 outside it.
    slack: f32[K], the gradient of the objective at `x`.
    tolerance: f32[], values this little below 0 are taken for 0.
  """

  x: jax.Array
  slack: jax.Array
  tolerance: jax.Array


Evaluate: TypeAlias = Callable[[jax.Array], Vertex]
"""Support bool[K] -> its vertex; the slack is 0 on the support."""


class _Search(NamedTuple):
  support: jax.Array
  vertex: Vertex
  wrong: jax.Array
  fewest: jax.Array
  patience: jax.Array
  pivots: jax.Array


def minimize_nonnegative(matrix: jax.Array, linear: jax.Array) -> jax.Array:
  """Return the minimiser of x.M x / 2 + q.x over x >= 0.

  Args:
    matrix: M, f32[K, K], positive semi-definite, with a diagonal of about 1 (or
      a zero row and column where q is at least 0).
    linear: q, f32[K]. The objective must be bounded below.

  Returns:
    x, f32[K]. Where several minimise, about the shortest.
  """

  def evaluate(support: jax.Array) -> Vertex:
    x = solve_on(matrix, support, -linear[:, None])[:, 0]
    return Vertex(x, matrix @ x + linear, _tolerance(x, linear))

  return pivot(evaluate, linear < 0).x


def pivot(evaluate: Evaluate, support: jax.Array) -> Vertex:
  """Return the vertex with x >= 0 and slack >= 0.

  All violations are exchanged at once; when that stops helping, one at a time.

  Args:
    evaluate: gives the vertex of a support.
    support: bool[K], the first guess.

  Returns:
    The vertex, with x clipped to 0 from below.

  Source: block principal pivoting, Judice and Pires 1994 (Computers and
    Operations Research 21).
  """

  def check(support: jax.Array) -> tuple[Vertex, jax.Array]:
    vertex = evaluate(support)
    value = jnp.where(support, vertex.x, vertex.slack)
    return vertex, value < -vertex.tolerance

  def step(search: _Search) -> _Search:
    count = jnp.sum(search.wrong)
    better = count < search.fewest
    patience = jnp.where(better, _PATIENCE, search.patience - 1)
    last = jnp.max(jnp.where(search.wrong, jnp.arange(support.size), -1))
    one = jnp.arange(support.size) == last
    exchanged = jnp.where(patience >= 0, search.wrong, one)
    chosen = search.support ^ exchanged
    vertex, wrong = check(chosen)
    fewest = jnp.minimum(count, search.fewest)
    return _Search(chosen, vertex, wrong, fewest, patience, search.pivots + 1)

  vertex, wrong = check(support)
  first = _Search(
    support,
    vertex,
    wrong,
    jnp.asarray(support.size + 1),
    jnp.asarray(_PATIENCE),
    jnp.asarray(0),
  )
  search = jax.lax.while_loop(
    lambda s: jnp.any(s.wrong) & (s.pivots < MAX_PIVOTS), step, first
  )
  return search.vertex._replace(x=jnp.maximum(search.vertex.x, 0))


def solve_on(
  matrix: jax.Array, support: jax.Array, right: jax.Array
) -> jax.Array:
  """Return the solutions of the equations and unknowns in a support.

  Args:
    matrix: f32[K, K], positive semi-definite, with a diagonal of about 1.
    support: bool[K].
    right: f32[K, N], the right-hand sides.

  Returns:
    f32[K, N], 0 outside the support. A singular matrix is kept away from
    infinity by a ridge, whose bias one step of refinement takes away elsewhere.
  """
  size = support.size
  ridge = 4 * size * jnp.finfo(matrix.dtype).eps
  both = support[:, None] & support
  inside = jnp.where(both, matrix, 0)
  right = jnp.where(support[:, None], right, 0)
  diagonal = jnp.diag(jnp.where(support, ridge, 1))
  factor = linalg.cho_factor(inside + diagonal, lower=True)
  x = linalg.cho_solve(factor, right)
  x = x + linalg.cho_solve(factor, right - inside @ x)
  return jnp.where(support[:, None], x, 0)


def _tolerance(x: jax.Array, linear: jax.Array) -> jax.Array:
  largest = jnp.maximum(jnp.max(jnp.abs(x)), jnp.max(jnp.abs(linear)))
  return 8 * jnp.finfo(x.dtype).eps * largest
