import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtr_jax.balancing import registry
from jtr_jax.balancing.from_gramian import from_gradients
from jtr_jax.balancing.gramian import gram


def stacked(tasks=3, seed=0):
  """K gradients of a tree of a matrix and a vector."""
  draw = np.random.default_rng(seed)
  return {
    "kernel": jnp.asarray(draw.normal(size=(tasks, 4, 5)), jnp.float32),
    "bias": jnp.asarray(draw.normal(size=(tasks, 6)), jnp.float32),
  }


def flat(gradients):
  rows = [np.reshape(x, (len(x), -1)) for x in gradients.values()]
  return np.concatenate(rows, axis=1).astype(np.float64)


@pytest.mark.parametrize(
  "scales", [(1, 1, 1), (1e-10,) * 3, (1e15,) * 3, (1e-10, 1, 1e15)]
)
def test_gram_is_that_of_all_leaves(scales):
  gradients = stacked()
  rows = flat(gradients)
  scaled = jax.vmap(lambda scale, g: jax.tree.map(lambda x: scale * x, g))(
    jnp.array(scales, jnp.float32), gradients
  )
  found = gram(scaled)
  lengths = np.linalg.norm(rows, axis=1)
  np.testing.assert_allclose(found.norms, lengths * scales, rtol=1e-6)
  np.testing.assert_allclose(
    found.cosines, rows @ rows.T / np.outer(lengths, lengths), atol=1e-6
  )
  np.testing.assert_allclose(np.max(found.scaled), 1, rtol=1e-6)
  if scales == (1, 1, 1):
    np.testing.assert_allclose(found.matrix, rows @ rows.T, rtol=1e-5)


def temporary_bytes(function, *arguments):
  compiled = jax.jit(function).lower(*arguments).compile()
  return compiled.memory_analysis().temp_size_in_bytes


def test_gram_takes_no_more_memory_than_plain_products():
  gradients = [jax.ShapeDtypeStruct((3, 256, 256), jnp.bfloat16)] * 4

  def plain(gradients):
    rows = [x.reshape(3, -1).astype(jnp.float32) for x in gradients]
    return [x @ x.T for x in rows]  # one copy in float32

  least = temporary_bytes(plain, gradients)
  assert least > 0
  assert temporary_bytes(gram, gradients) < 1.1 * least


def test_zero_gradients_have_no_angle():
  gradients = jax.tree.map(lambda x: x.at[1].set(0), stacked())
  found = gram(gradients)
  np.testing.assert_array_equal(found.active, [True, False, True])
  np.testing.assert_array_equal(found.cosines[1], 0)
  np.testing.assert_array_equal(np.diagonal(found.cosines), [1, 0, 1])
  nothing = gram(jax.tree.map(jnp.zeros_like, gradients))
  chex.assert_tree_all_finite((nothing, nothing.scaled, nothing.matrix))


def test_absent_tasks_may_hold_anything():
  gradients = jax.tree.map(lambda x: x.at[1].set(jnp.nan), stacked())
  balancer = registry.GRADIENT["mean"](3)
  found, state = balancer.update(
    gradients,
    balancer.init(None),
    present=jnp.array([True, False, True]),
    nobody_knows=1,
  )
  expected = jax.tree.map(lambda x: (x[0] + x[2]) / 2, gradients)
  chex.assert_trees_all_close(found, expected)
  np.testing.assert_array_equal(state.weights, [0.5, 0, 0.5])


def test_stands_first_in_a_chain():
  gradients = stacked()
  params = jax.tree.map(lambda x: jnp.zeros(x.shape[1:]), gradients)
  optimizer = optax.chain(registry.GRADIENT["sum"](3), optax.sgd(0.1))
  updates, state = optimizer.update(gradients, optimizer.init(params), params)
  expected = jax.tree.map(lambda x: -0.1 * x.sum(0), gradients)
  chex.assert_trees_all_close(updates, expected, atol=1e-6)
  assert state[0].step == 1


def test_keys_change_from_step_to_step_and_are_the_same_in_every_run():
  def rule(gradients, given, state):
    del state
    drawn = {"x": jax.random.normal(given.key, (1,))}
    return {"x": gradients["x"][0]}, None, drawn

  balancer = from_gradients(
    "draw", 2, rule, init=lambda params: {"x": jnp.zeros(1)}
  )
  draws = []
  for _ in range(2):
    state = balancer.init(None)
    for _ in range(3):
      _, state = balancer.update({"x": jnp.ones((2, 1))}, state)
      draws.append(float(state.rule["x"][0]))
  assert draws[:3] == draws[3:]
  assert len(set(draws)) == 3
  assert np.isnan(state.weights).all()


@pytest.mark.parametrize(
  ("argument", "near"),
  [("loss", "losses"), ("presents", "present"), ("sigmas", "sigma")],
)
def test_misspelt_arguments_are_errors(argument, near):
  balancer = registry.GRADIENT["sum"](3)
  with pytest.raises(ValueError, match=f"Did you mean '{near}'"):
    balancer.update(
      stacked(), balancer.init(None), None, **{argument: jnp.ones(3)}
    )


def test_arguments_of_other_transformations_pass():
  gradients = stacked()
  params = jax.tree.map(lambda x: jnp.zeros(x.shape[1:]), gradients)
  optimizer = optax.chain(
    registry.GRADIENT["sum"](3), optax.scale_by_backtracking_linesearch(2)
  )
  loss = lambda x: optax.tree.sum(optax.tree.mul(x, x))
  updates, _ = optimizer.update(
    gradients,
    optimizer.init(params),
    params,
    value=loss(params),
    grad=jax.grad(loss)(params),
    value_fn=loss,
  )
  chex.assert_tree_all_finite(updates)


@pytest.mark.parametrize(
  ("name", "settings", "argument"),
  [
    ("moco", {}, "losses"),
    ("mgda", {"normalization": "loss+"}, "losses"),
    ("ial", {"indicator": "norm"}, "losses"),
    ("ial", {}, "sigma"),
  ],
)
def test_rules_say_what_they_need(name, settings, argument):
  balancer = registry.GRADIENT[name](3, **settings)
  with pytest.raises(ValueError, match=f"{name}.*needs.*{argument}"):
    balancer.update(stacked(), balancer.init(stacked()))


def test_gradients_that_are_not_stacked():
  balancer = registry.GRADIENT["sum"](3)
  with pytest.raises(ValueError, match="leading axis of 3 tasks"):
    balancer.update({"x": jnp.ones((2, 3))}, balancer.init(None))
