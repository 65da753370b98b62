"""Arithmetic on fields of vectors f32[3, N].

By `einsum` rather than a matrix product: BLAS would start threads, which only
wait for each other when there is a process for each processor already.
"""

import numpy as np


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
  """Return f32[N], the products of two fields f32[3, N]."""
  return np.einsum("kn,kn->n", a, b)


def along(direction: np.ndarray, field: np.ndarray) -> np.ndarray:
  """Return f32[N], the component of a field along one vector f32[3]."""
  return np.einsum("k,kn->n", direction, field)


def mapped(matrix: np.ndarray, field: np.ndarray) -> np.ndarray:
  """Return f32[3, N], a matrix f32[3, 3] times each vector of a field."""
  return np.einsum("ij,jn->in", matrix, field)


def unit(field: np.ndarray) -> np.ndarray:
  """Return f32[3, N], the vectors scaled to length 1."""
  return field / np.sqrt(dot(field, field))
