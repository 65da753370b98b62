"""Solvers against certificates in float64, and what each paper claims.

Each problem is convex, so that its optimality conditions, evaluated in float64,
say how good a solution is, whoever found it.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.balancing.gradient import (
  aligned_mtl,
  cagrad,
  con_fig,
  imtl_g,
  mgda,
  pcgrad,
  sdmgrad,
  upgrad,
)
from jtr_jax.balancing.gramian import gram
from jtr_jax.balancing.solvers import (
  alpha_fair,
  dual_cone,
  eigh,
  nonnegative_qp,
  simplex,
)

PROBLEMS = 16


@functools.cache
def problems(tasks):
  """Return f32[N, K, n]: independent, conflicting, and of different lengths."""
  draw = np.random.default_rng(tasks)
  rows = draw.normal(size=(PROBLEMS, tasks, 60))
  rows -= np.linspace(0, 0.9, PROBLEMS)[:, None, None] * rows.mean(
    axis=1, keepdims=True
  )
  spread = np.linspace(0, 1, PROBLEMS)[:, None, None]
  rows *= 10.0 ** (spread * draw.uniform(-1, 1, (PROBLEMS, tasks, 1)))
  return rows.astype(np.float32)


def weights_of(function, tasks, **options):
  """Return f64[N, K] of a function of (gram, present)."""
  present = jnp.ones(tasks, bool)
  solve = jax.jit(jax.vmap(lambda x: function(gram(x), present, **options)))
  return np.asarray(solve(jnp.asarray(problems(tasks))), np.float64)


def directions(tasks, weights):
  """Return rows f64[N, K, n] and sum_k w_k g_k f64[N, n]."""
  rows = problems(tasks).astype(np.float64)
  return rows, np.einsum("ik,ikn->in", weights, rows)


def inner(rows, direction):
  return np.einsum("ikn,in->ik", rows, direction)


def solve_of(balancer_solve, tasks):
  """Return the function of (gram, present) of a constructor's `solve`."""
  balancer = balancer_solve(tasks)

  def weights(x):
    _, state = balancer.update({"x": x}, balancer.init({"x": x[0]}))
    return state.weights

  found = jax.jit(jax.vmap(weights))(jnp.asarray(problems(tasks)))
  return np.asarray(found, np.float64)


@pytest.mark.parametrize("tasks", [2, 5, 20])
def test_mgda_finds_the_shortest_vector(tasks):
  weights = weights_of(mgda.min_norm, tasks)
  rows, d = directions(tasks, weights)
  np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
  assert weights.min() >= 0
  # g_k.d >= |d|^2 for all k, up to rounding of the longest gradients.
  square = np.sum(d**2, axis=1, keepdims=True)
  lengths = np.linalg.norm(rows, axis=2)
  gap = (square - inner(rows, d)) / (lengths * np.sqrt(square))
  assert gap.max() < 1e-5


def test_frank_wolfe_comes_near_the_shortest_vector():
  exact = weights_of(mgda.min_norm, 5)
  found = weights_of(mgda.frank_wolfe, 5)
  _, best = directions(5, exact)
  _, d = directions(5, found)
  ratio = np.linalg.norm(d, axis=1) / np.linalg.norm(best, axis=1)
  assert ratio.min() > 1 - 1e-5
  assert np.median(ratio) < 1.05
  assert ratio.max() > 1 + 1e-5


@pytest.mark.parametrize("tasks", [2, 20])
def test_cagrad_is_the_best_of_the_ball(tasks):
  c = 0.4
  weights = weights_of(cagrad.cagrad_weights, tasks, c=c)
  rows, d = directions(tasks, weights)
  mean = rows.mean(axis=1)
  radius = c * np.linalg.norm(mean, axis=1)
  np.testing.assert_allclose(
    np.linalg.norm(d - mean, axis=1) / radius, 1, atol=2e-5
  )
  added = weights - 1 / tasks
  assert added.min() > -1e-6
  # Only tasks that improve least are added.
  progress = inner(rows, d)
  more = progress - progress.min(axis=1, keepdims=True)
  size = np.linalg.norm(d, axis=1) * radius
  assert np.max(np.sum(more * added, axis=1) / size) < 2e-5


@pytest.mark.parametrize("tasks", [2, 20])
def test_projections_on_the_dual_cone(tasks):
  def project(gram, present):
    return dual_cone.project(gram, present / present.size)

  weights = weights_of(project, tasks)
  rows, _ = directions(tasks, weights)
  products = rows @ rows.swapaxes(1, 2)
  trace = np.trace(products, axis1=1, axis2=2)[:, None, None]
  matrix = products / trace + dual_cone.RIDGE * np.eye(tasks)
  slack = np.einsum("ikj,ij->ik", matrix, weights)
  size = np.sqrt(np.diagonal(matrix, axis1=1, axis2=2)) / tasks
  added = weights - 1 / tasks
  assert added.min() > -1e-6
  assert np.min(slack / size) > -1e-5
  assert np.max(np.abs(slack * added)) < 1e-6


def test_upgrad_does_not_conflict():
  weights = solve_of(upgrad.upgrad, 5)
  rows, d = directions(5, weights)
  # The ridge leaves conflicts of its own order.
  total = np.sum(rows**2, axis=(1, 2))[:, None]
  left = inner(rows, d) / total + dual_cone.RIDGE * weights
  assert left.min() > -1e-6
  plain = inner(rows, rows.mean(axis=1)) / total
  assert plain.min() < -10 * dual_cone.RIDGE


@pytest.mark.parametrize("tasks", [2, 20])
@pytest.mark.parametrize("power", [1.0, 0.5])
def test_progress_of_nash_mtl_and_fairgrad(tasks, power):
  weights = weights_of(
    lambda gram, _: alpha_fair.equilibrium(gram, power), tasks
  )
  rows, d = directions(tasks, weights)
  assert weights.min() > 0
  np.testing.assert_allclose(inner(rows, d) * weights**power, 1, atol=3e-4)
  if power == 1:
    np.testing.assert_allclose(np.sum(d**2, axis=1), tasks, rtol=3e-4)


@pytest.mark.parametrize("tasks", [2, 20])
def test_equal_projections(tasks):
  lengths = np.linalg.norm(problems(tasks), axis=2)
  for balancer in (imtl_g.imtl_g, con_fig.con_fig):
    weights = solve_of(balancer, tasks)
    rows, d = directions(tasks, weights)
    projections = inner(rows, d) / lengths
    mean = projections.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(projections / mean, 1, atol=2e-4)
    if balancer is imtl_g.imtl_g:
      np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-4)
    else:
      unit = d / np.linalg.norm(d, axis=1, keepdims=True)
      np.testing.assert_allclose(
        inner(rows, unit).sum(axis=1), np.linalg.norm(d, axis=1), rtol=1e-4
      )


def test_two_tasks_in_closed_form():
  rows = problems(2).astype(np.float64)
  lengths = np.linalg.norm(rows, axis=2)
  expected = lengths[:, ::-1] / lengths.sum(axis=1, keepdims=True)
  np.testing.assert_allclose(solve_of(imtl_g.imtl_g, 2), expected, rtol=1e-5)
  first, second = rows[:, 0], rows[:, 1]
  gap = second - first
  share = np.sum(gap * second, axis=1) / np.sum(gap**2, axis=1)
  found = weights_of(mgda.min_norm, 2)[:, 0]
  np.testing.assert_allclose(found, np.clip(share, 0, 1), atol=1e-5)


def test_aligned_gradients_are_orthogonal_and_equally_long():
  rows = problems(5).astype(np.float64)
  balances = jax.jit(jax.vmap(lambda x: aligned_mtl._balance(gram(x), "min")))(
    jnp.asarray(rows, jnp.float32)
  )
  aligned = np.asarray(balances, np.float64) @ rows
  products = aligned @ aligned.swapaxes(1, 2)
  smallest = np.linalg.eigvalsh(rows @ rows.swapaxes(1, 2))[:, 0]
  expected = smallest[:, None, None] * np.eye(5)
  np.testing.assert_allclose(
    products / smallest[:, None, None],
    expected / smallest[:, None, None],
    atol=3e-4,
  )


def test_small_eigenvalues_keep_their_digits():
  draw = np.random.default_rng(0)
  rows = draw.normal(size=(7, 30)) * 10.0 ** np.linspace(-5, 0, 7)[:, None]
  products = rows @ rows.T
  values, vectors = jax.jit(eigh.eigh)(jnp.asarray(products, jnp.float32))
  expected = np.sort(np.linalg.eigvalsh(products))
  np.testing.assert_allclose(np.sort(values), expected, rtol=1e-4)
  np.testing.assert_allclose(vectors.T @ vectors, np.eye(7), atol=1e-5)


def test_pcgrad_is_the_sequence_of_projections():
  rows = problems(5)[-1]
  orders = np.asarray(pcgrad.random_orders(jax.random.key(0), 5))
  angles = gram(jnp.asarray(rows))
  for task, order in enumerate(orders):
    weights = pcgrad.project(angles, task, jnp.asarray(order))
    v = rows[task].astype(np.float64)
    for other in order:
      if other != task and v @ rows[other] < 0:
        g = rows[other].astype(np.float64)
        v = v - v @ g / (g @ g) * g
    found = np.asarray(weights, np.float64) @ rows
    np.testing.assert_allclose(
      found / np.abs(v).max(), v / np.abs(v).max(), atol=1e-5
    )


def test_pcgrad_of_two_tasks_does_not_conflict():
  rows, d = directions(2, solve_of(pcgrad.pcgrad, 2))
  lengths = np.linalg.norm(rows, axis=2)
  cosines = inner(rows, d) / (lengths * np.linalg.norm(d, axis=1)[:, None])
  assert cosines.min() > -1e-5


def test_sdmgrad_is_the_best_pull_towards_the_mean():
  strength = 0.3
  weights = solve_of(lambda k: sdmgrad.sdmgrad(k, strength), 5)
  rows, d = directions(5, weights)
  w = (1 + strength) * weights - strength / 5
  np.testing.assert_allclose(w.sum(axis=1), 1, atol=1e-5)
  assert w.min() > -1e-5
  progress = inner(rows, d)
  gap = np.sum(progress * w, axis=1) - progress.min(axis=1)
  size = np.linalg.norm(d, axis=1) * np.linalg.norm(rows, axis=2).max(axis=1)
  assert np.max(gap / size) < 1e-5


def test_pivots_stop_at_a_degenerate_problem():
  matrix = jnp.ones((3, 3))
  x = nonnegative_qp.minimize_nonnegative(matrix, -jnp.ones(3))
  np.testing.assert_allclose(x, 1 / 3, rtol=1e-4)


def test_nearest_point_of_the_simplex():
  present = jnp.array([True, True, False, True])
  found = simplex.project(jnp.array([0.9, 0.5, 7, -1]), present)
  np.testing.assert_allclose(found, [0.7, 0.3, 0, 0], atol=1e-6)
