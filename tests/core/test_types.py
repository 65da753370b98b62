import chex
import jax
import jax.numpy as jnp

from jtr_jax.core.types import Label, Weighted


def test_mask_needs_a_label_and_a_valid_pixel():
  valid = jnp.array([[[True, False]], [[True, True]]])
  label = Label(jnp.zeros((2, 1, 2)), valid, jnp.array([True, False]))
  assert label.mask.tolist() == [[[True, False]], [[False, False]]]


def test_mask_with_an_axis_of_views():
  valid = jnp.ones((3, 2, 4, 5), bool)
  label = Label(jnp.zeros(valid.shape), valid, jnp.ones((3, 2), bool))
  chex.assert_shape(label.mask, (3, 2, 4, 5))


def test_weighted_is_averaged_per_image_or_over_all_pixels():
  loss = Weighted(jnp.array([6.0, 1.0]), jnp.array([3.0, 1.0]))
  assert loss.per_image().tolist() == [2.0, 1.0]
  assert loss.mean() == 7 / 4


def test_weighted_of_nothing_is_zero_with_zero_gradient():
  def total(sums):
    loss = Weighted(sums, jnp.zeros(2))
    return jnp.sum(loss.per_image()) + loss.mean()

  value, slope = jax.value_and_grad(total)(jnp.array([0.0, 0.0]))
  assert value == 0
  assert slope.tolist() == [0.0, 0.0]


def test_label_and_weighted_are_pytrees():
  pair = Weighted(jnp.ones(2), jnp.zeros(2))
  doubled = jax.tree.map(lambda x: 2 * x, pair)
  assert isinstance(doubled, Weighted)
  assert doubled.sum.tolist() == [2.0, 2.0]
  label = Label(jnp.ones(1), jnp.ones(1, bool), jnp.ones(1, bool))
  assert isinstance(jax.jit(lambda x: x)(label), Label)
