"""Lengths of K gradients, the angles between them, and weighted sums.

Gradients are pytrees whose leaves have a leading axis K. Products are taken in
float32 at least, at the highest precision, of gradients scaled to their own
size, so that gradients of 1e-10 and of 1e15 give the same angles.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import AxisName, Tree
from jtr_jax.core import numerics


class Gram(NamedTuple):
  """Lengths of K gradients and the angles between them.

  Attributes:
    norms: f32[K], 0 for tasks that are absent.
    cosines: f32[K, K], with 1 on the diagonal; rows and columns of zero
      gradients are 0, the diagonal included.
  """

  norms: jax.Array
  cosines: jax.Array

  @classmethod
  def from_matrix(cls, matrix: jax.Array) -> "Gram":
    """Return the lengths and angles in a matrix of inner products f32[K, K]."""
    norms = jnp.sqrt(jnp.maximum(jnp.diagonal(matrix), 0))
    cosines = numerics.safe_divide(matrix, norms[:, None] * norms)
    return cls(norms, _unit_diagonal(cosines, norms))

  def masked(self, present: jax.Array) -> "Gram":
    """Return the same with zero gradients for absent tasks, bool[K]."""
    both = present[:, None] & present
    return Gram(
      jnp.where(present, self.norms, 0), jnp.where(both, self.cosines, 0)
    )

  @property
  def active(self) -> jax.Array:
    """bool[K]: the tasks whose gradient is not 0 (never an absent one)."""
    return self.norms > 0

  @property
  def matrix(self) -> jax.Array:
    """f32[K, K]: the inner products of the gradients."""
    return self.norms[:, None] * self.norms * self.cosines

  @property
  def scale(self) -> jax.Array:
    """f32[]: the largest norm, or 1 if all are 0."""
    largest = jnp.max(self.norms)
    return jnp.where(largest > 0, largest, 1)

  @property
  def scaled(self) -> jax.Array:
    """f32[K, K]: inner products of the gradients divided by `scale`."""
    return self._replace(norms=self.norms / self.scale).matrix


def gram(gradients: Tree, axis_name: AxisName = None) -> Gram:
  """Return lengths and angles of stacked gradients.

  Each leaf is scaled by the tasks' largest entries and reduced to its inner
  products at once: of the gradients there is one float32 copy.

  Args:
    gradients: leaves [K, ...], of any floating type.
    axis_name: mapped axis over which their entries are sharded.

  Returns:
    The norms f32[K] and cosines f32[K, K] over all leaves together.
  """
  leaves = jax.tree.leaves(gradients)
  largest = [jnp.max(jnp.abs(x), axis=range(1, x.ndim)) for x in leaves]
  peak = jnp.max(numerics.widen(jnp.stack(largest)), axis=0)
  if axis_name is not None:
    peak = jax.lax.pmax(peak, axis_name)
  parts = [_products(x, peak) for x in leaves]
  products, squares = (
    jnp.sum(jnp.stack(part), axis=0) for part in zip(*parts, strict=True)
  )
  if axis_name is not None:
    products, squares = jax.lax.psum((products, squares), axis_name)
  lengths = jnp.sqrt(squares)
  cosines = numerics.safe_divide(products, lengths[:, None] * lengths)
  return Gram(peak * lengths, _unit_diagonal(cosines, lengths))


def _unit_diagonal(cosines: jax.Array, norms: jax.Array) -> jax.Array:
  """Return cosines in [-1, 1], with 1 for each non-zero gradient and itself."""
  own = jnp.eye(len(norms), dtype=bool)
  return jnp.where(own, jnp.sign(norms), jnp.clip(cosines, -1, 1))


def combine(gradients: Tree, weights: jax.Array) -> Tree:
  """Return sum_k weights_k gradients_k, leaf by leaf.

  Args:
    gradients: leaves [K, ...].
    weights: f32[K].

  Returns:
    Leaves [...], at least float32.
  """
  return jax.tree.map(
    lambda x: jnp.tensordot(
      weights, numerics.widen(x), axes=1, precision=jax.lax.Precision.HIGHEST
    ),
    gradients,
  )


def per_row(values: jax.Array, like: jax.Array) -> jax.Array:
  """Return [K] as [K, 1, ...], which broadcasts against a stacked array."""
  return values.reshape(-1, *[1] * (like.ndim - 1))


def _products(leaf: jax.Array, peak: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Return inner products f32[K, K] and squares f32[K] of [K, ...] / peak."""
  rows = leaf.reshape(len(leaf), -1)
  rows = numerics.safe_divide(numerics.widen(rows), peak[:, None])
  # Without the barrier XLA sums in another order, or makes a second copy.
  rows = jax.lax.optimization_barrier(rows)
  products = jnp.tensordot(
    rows, rows, ((1,), (1,)), precision=jax.lax.Precision.HIGHEST
  )
  entries = rows.reshape(leaf.shape)
  squares = jnp.sum(jnp.square(entries), axis=range(1, leaf.ndim))
  return products, squares
