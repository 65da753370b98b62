"""Each switch of the aggregators, both ways, and what they refuse."""

import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.balancing import registry
from jtr_jax.balancing.gradient import gradvac
from jtr_jax.balancing.gramian import gram

ROWS = jnp.array([[2.0, 0, 0, 1], [-1, 1, 0, 0.5], [0.5, -1, 3, 0]])
LOSSES = jnp.array([1.0, 4, 0.5])


def aggregate(name, rows=ROWS, steps=1, **options):
  balancer = registry.GRADIENT[name](len(rows), **options)
  state = balancer.init(jnp.zeros(rows.shape[1]))
  for _ in range(steps):
    direction, state = balancer.update(rows, state, losses=LOSSES[: len(rows)])
  return np.asarray(direction), np.asarray(state.weights)


def norms(rows):
  return jnp.linalg.norm(rows, axis=1)


@pytest.mark.parametrize(
  ("normalization", "divisor"),
  [
    ("none", jnp.ones(3)),
    ("l2", norms(ROWS)),
    ("loss", LOSSES),
    ("loss+", LOSSES * norms(ROWS)),
  ],
)
def test_mgda_normalizations(normalization, divisor):
  divided = ROWS / divisor[:, None]
  direction, weights = aggregate("mgda", divided)
  found, _ = aggregate(
    "mgda", normalization=normalization, apply_normalization=True
  )
  np.testing.assert_allclose(found, direction, rtol=1e-4, atol=1e-6)
  _, plain = aggregate("mgda", normalization=normalization)
  np.testing.assert_allclose(plain, weights, rtol=1e-4)


def test_cagrad_rescales():
  full, _ = aggregate("cagrad", c=0.5, rescale=0)
  for rescale, divisor in ((1, 1.25), (2, 1.5)):
    found, _ = aggregate("cagrad", c=0.5, rescale=rescale)
    np.testing.assert_allclose(found, full / divisor, rtol=1e-6)
  mean, _ = aggregate("cagrad", c=0.0)
  np.testing.assert_allclose(mean, ROWS.mean(axis=0), rtol=1e-6)


def test_nash_mtl_limits_the_norm():
  free, _ = aggregate("nash_mtl", max_norm=0.0)
  np.testing.assert_allclose(np.linalg.norm(free), np.sqrt(3), rtol=1e-5)
  limited, _ = aggregate("nash_mtl")
  np.testing.assert_allclose(limited, free / np.sqrt(3), rtol=1e-5)


def test_nash_mtl_official_keeps_its_weights_at_a_zero_gradient():
  rows = ROWS.at[1].set(0)
  kept, weights = aggregate("nash_mtl", rows, variant="official")
  np.testing.assert_allclose(weights, weights[0])
  left_out, _ = aggregate("nash_mtl", rows)
  others, _ = aggregate("nash_mtl", rows[::2])
  np.testing.assert_allclose(left_out, others, rtol=1e-5)
  assert np.max(np.abs(kept - left_out)) > 1e-2


def test_nash_mtl_updates_now_and_then():
  balancer = registry.GRADIENT["nash_mtl"](3, update_every=2, max_norm=0.0)
  state = balancer.init(jnp.zeros(4))
  weights = []
  for scale in (1.0, 2, 4):
    _, state = balancer.update(scale * ROWS, state)
    weights.append(np.asarray(state.weights))
  np.testing.assert_allclose(weights[1], weights[0])
  np.testing.assert_allclose(weights[2], weights[0] / 4, rtol=1e-5)


def test_fairgrad_of_alpha_one_is_nash_mtl():
  nash, _ = aggregate("nash_mtl", max_norm=0.0)
  fair, _ = aggregate("fairgrad", alpha=1.0)
  np.testing.assert_allclose(fair, nash, rtol=1e-5)


def test_aligned_mtl_scales():
  values = np.linalg.eigvalsh(np.asarray(ROWS @ ROWS.T))
  smallest, _ = aggregate("aligned_mtl")
  for scale, value in (("median", values[1]), ("rmse", values.mean())):
    found, _ = aggregate("aligned_mtl", scale=scale)
    ratio = np.sqrt(value / values[0])
    np.testing.assert_allclose(found, smallest * ratio, rtol=1e-4, atol=1e-6)


def test_sdmgrad_lies_between_mgda_and_the_mean():
  shortest, _ = aggregate("mgda")
  found, _ = aggregate("sdmgrad", strength=0.0)
  np.testing.assert_allclose(found, shortest, rtol=1e-4, atol=1e-6)
  found, _ = aggregate("sdmgrad", strength=1e4)
  np.testing.assert_allclose(found, ROWS.mean(axis=0), rtol=1e-3, atol=1e-3)
  stepped, _ = aggregate("sdmgrad", solver="descent")
  exact, _ = aggregate("sdmgrad")
  assert np.linalg.norm(stepped) > np.linalg.norm(exact)


def test_graddrop_keeps_one_sign_or_leaks():
  total = np.asarray(ROWS.sum(axis=0))
  leaked, _ = aggregate("graddrop", leak=1.0)
  np.testing.assert_allclose(leaked, total, rtol=1e-6)
  found, _ = aggregate("graddrop")
  rows = np.asarray(ROWS)
  positive = np.maximum(rows, 0).sum(axis=0)
  negative = np.minimum(rows, 0).sum(axis=0)
  kept = np.isclose(found, positive) | np.isclose(found, negative)
  assert kept.all()


def test_gradvac_reaches_its_usual_cosines():
  rows = ROWS[:2]
  balancer = registry.GRADIENT["gradvac"](2, beta=0.5)
  state = balancer.init(jnp.zeros(4))
  direction, after = balancer.update(rows, state)
  projected, _ = aggregate("pcgrad", rows)
  # The usual cosine is 0 at first: then this is PCGrad.
  np.testing.assert_allclose(direction, projected, rtol=1e-5)
  cosine = rows[0] @ rows[1] / jnp.prod(norms(rows))
  np.testing.assert_allclose(after.rule[0, 1], 0.5 * cosine, rtol=1e-5)
  usual = jnp.array([0, 0.3])
  order = jnp.array([1])
  found, _ = gradvac.turn(gram(rows), jnp.asarray(0), order, usual, 0.5)
  v = found @ rows
  cosine = v @ rows[1] / (jnp.linalg.norm(v) * norms(rows)[1])
  np.testing.assert_allclose(cosine, 0.3, atol=1e-5)


def test_moco_follows_the_gradients():
  first, weights = aggregate("moco", gamma=0.0)
  unit = LOSSES[:, None] * ROWS / norms(ROWS)[:, None]
  np.testing.assert_allclose(weights, 1 / 3, rtol=1e-6)
  np.testing.assert_allclose(first, 0.5 * unit.mean(axis=0), rtol=1e-5)
  many, _ = aggregate("moco", gamma=0.0, beta_decay=0.0, steps=20)
  np.testing.assert_allclose(many, unit.mean(axis=0), rtol=1e-4, atol=1e-5)
  _, moved = aggregate("moco", gamma=1.0)
  assert moved[1] < 1 / 3 < moved[2]


@pytest.mark.parametrize(
  ("name", "options", "told"),
  [
    ("mgda", {"normalization": "l3"}, "normalisation"),
    ("mgda", {"solver": "slsqp"}, "solver"),
    ("cagrad", {"c": -1.0}, "c of at least 0"),
    ("cagrad", {"rescale": 3}, "rescale 0, 1 or 2"),
    ("nash_mtl", {"variant": "oficial"}, "'official'"),
    ("nash_mtl", {"update_every": 0}, "update_every"),
    ("fairgrad", {"alpha": 0.0}, "positive alpha"),
    ("aligned_mtl", {"scale": "max"}, "scale of Aligned-MTL"),
    ("sdmgrad", {"solver": "slsqp"}, "solver"),
  ],
)
def test_impossible_options(name, options, told):
  with pytest.raises(ValueError, match=told):
    registry.GRADIENT[name](3, **options)
