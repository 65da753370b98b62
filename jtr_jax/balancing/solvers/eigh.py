"""Eigenvalues of small matrices with small relative errors.

Library routines give every eigenvalue an error relative to the largest. Gram
matrices of tasks whose gradients differ a thousandfold in length need better,
and Jacobi's rotations give it.
"""

import jax
import jax.numpy as jnp
import numpy as np

_SWEEPS = 8


def eigh(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Return eigenvalues and eigenvectors of a positive semi-definite matrix.

  Args:
    matrix: f32[K, K], symmetric.

  Returns:
    (f32[K], in no order; f32[K, K], eigenvectors in columns).

  Source: Demmel and Veselic 1992 (SIAM J. Matrix Anal. Appl. 13), on the
    accuracy; rotations of disjoint pairs are made at once.
  """
  size = len(matrix)
  padded = size + size % 2
  matrix = jnp.pad(matrix, (0, padded - size))
  rounds = jnp.asarray(_rounds(padded))

  def rotate(
    index: int, loop: tuple[jax.Array, jax.Array]
  ) -> tuple[jax.Array, jax.Array]:
    matrix, vectors = loop
    p, q = rounds[index % len(rounds)]
    rotation = _rotations(matrix, p, q)
    matrix = rotation.T @ matrix @ rotation
    matrix = matrix.at[p, q].set(0).at[q, p].set(0)
    return matrix, vectors @ rotation

  start = (matrix, jnp.eye(padded, dtype=matrix.dtype))
  diagonal, vectors = jax.lax.fori_loop(0, _SWEEPS * len(rounds), rotate, start)
  # A row of zeros is never mixed with another: the padding stays last.
  return jnp.diagonal(diagonal)[:size], vectors[:size, :size]


def _rotations(matrix: jax.Array, p: jax.Array, q: jax.Array) -> jax.Array:
  """Return the product of the rotations that zero the entries [p, q]."""
  high, low, off = matrix[q, q], matrix[p, p], matrix[p, q]
  none = off == 0
  slope = (high - low) / jnp.where(none, 1, 2 * off)
  sign = jnp.where(slope < 0, -1, 1)
  tangent = sign / (jnp.abs(slope) + jnp.sqrt(1 + slope**2))
  tangent = jnp.where(none, 0, tangent)
  cosine = 1 / jnp.sqrt(1 + tangent**2)
  sine = cosine * tangent
  rotation = jnp.eye(len(matrix), dtype=matrix.dtype)
  rotation = rotation.at[p, p].set(cosine).at[q, q].set(cosine)
  return rotation.at[p, q].set(sine).at[q, p].set(-sine)


def _rounds(size: int) -> np.ndarray:
  """Return i32[size - 1, 2, size / 2]: every pair once, as in a tournament."""
  players = list(range(size))
  rounds = []
  for _ in range(size - 1):
    first, second = players[: size // 2], players[size // 2 :][::-1]
    rounds.append((first, second))
    players = [players[0], players[-1], *players[1:-1]]
  return np.asarray(rounds, np.int32)
