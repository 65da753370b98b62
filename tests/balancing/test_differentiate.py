import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtr_jax import balancing
from jtr_jax.balancing.in_groups import in_groups

K = 3
X = jax.random.normal(jax.random.key(0), (16, 4))
TARGETS = jax.random.normal(jax.random.key(1), (K, 16))
PARAMS = {
  "encoder": {"w": jax.random.normal(jax.random.key(2), (4, 5))},
  "heads": [jax.random.normal(jax.random.key(3 + k), (5,)) for k in range(K)],
}
SHARED = ("encoder",)


def encode(encoder, x):
  return jnp.tanh(x @ encoder["w"])


def head_loss(task):
  return lambda head, z, x: jnp.mean((z @ head - TARGETS[task]) ** 2)


def losses_fn(params, x):
  z = encode(params["encoder"], x)
  each = [head_loss(k)(h, z, x) for k, h in enumerate(params["heads"])]
  return jnp.stack(each)


def aggregated(balancer, **extra):
  """Return gradients made from the whole Jacobian, and the new state."""
  jacobian = jax.jacrev(losses_fn)(PARAMS, X)
  direction, state = balancer.update(
    jacobian["encoder"],
    balancer.init(PARAMS["encoder"]),
    losses=losses_fn(PARAMS, X),
    **extra,
  )
  weights = balancer.decoder_weights(state)
  present = extra.get("present", jnp.ones(K, bool))
  heads = [
    jnp.where(present[k], weights[k] * jacobian["heads"][k][k], 0)
    for k in range(K)
  ]
  return {"encoder": direction, "heads": heads}, state


@pytest.mark.parametrize("at_once", [1, 2, 0])
@pytest.mark.parametrize("name", ["pcgrad", "nash_mtl", "moco"])
def test_value_and_grad_balances_shared_parameters_alone(name, at_once):
  balancer = balancing.get(name, K)
  expected, after = aggregated(balancer)
  grad_fn = balancing.value_and_grad(
    losses_fn, balancer, shared=SHARED, at_once=at_once
  )
  state = grad_fn.init(PARAMS)
  losses, gradients, new = jax.jit(grad_fn)(PARAMS, state, X)
  np.testing.assert_allclose(losses, losses_fn(PARAMS, X), rtol=1e-6)
  chex.assert_trees_all_close(gradients, expected, rtol=1e-4, atol=1e-6)
  chex.assert_trees_all_close(new.weights, after.weights, rtol=1e-4)


@pytest.mark.parametrize("name", ["pcgrad", "nash_mtl"])
def test_mtl_grad_on_parameters_equals_the_whole_jacobian(name):
  balancer = balancing.get(name, K)
  expected, _ = aggregated(balancer)
  decoders = [head_loss(k) for k in range(K)]
  grad_fn = balancing.mtl_grad(encode, decoders, balancer, on_features=False)
  params = (PARAMS["encoder"], PARAMS["heads"])
  losses, (encoder, heads), _ = jax.jit(grad_fn)(
    params, grad_fn.init(params), X
  )
  np.testing.assert_allclose(losses, losses_fn(PARAMS, X), rtol=1e-6)
  found = {"encoder": encoder, "heads": heads}
  chex.assert_trees_all_close(found, expected, rtol=1e-4, atol=1e-6)


def test_mtl_grad_on_features_balances_the_gradients_there():
  balancer = balancing.imtl_g(K)
  z, through_encoder = jax.vjp(lambda p: encode(p, X), PARAMS["encoder"])
  rows = jnp.stack(
    [jax.grad(head_loss(k), 1)(PARAMS["heads"][k], z, X) for k in range(K)]
  )
  direction, _ = balancer.update(rows, balancer.init(PARAMS["encoder"]))
  expected = through_encoder(direction)[0]
  decoders = [head_loss(k) for k in range(K)]
  grad_fn = balancing.mtl_grad(encode, decoders, balancer)
  params = (PARAMS["encoder"], tuple(PARAMS["heads"]))
  _, (encoder, heads), _ = grad_fn(params, grad_fn.init(params), X)
  chex.assert_trees_all_close(encoder, expected, rtol=1e-5, atol=1e-7)
  assert isinstance(heads, tuple)


def test_absent_tasks_may_have_any_loss():
  present = jnp.array([True, False, True])

  def broken(params, x):
    return losses_fn(params, x).at[1].set(jnp.nan)

  balancer = balancing.pcgrad(K)
  expected, _ = aggregated(balancer, present=present)
  grad_fn = balancing.value_and_grad(broken, balancer, shared=SHARED)
  state = grad_fn.init(PARAMS)
  _, gradients, _ = grad_fn(PARAMS, state, X, present=present)
  chex.assert_trees_all_close(gradients, expected, rtol=1e-5, atol=1e-7)


def test_all_parameters_are_shared_by_default_and_aux_passes_through():
  balancer = balancing.mean(K)
  grad_fn = balancing.value_and_grad(
    lambda params, x: (losses_fn(params, x), x.sum()), balancer, has_aux=True
  )
  (_, aux), gradients, _ = grad_fn(PARAMS, grad_fn.init(PARAMS), X)
  expected = jax.grad(lambda p: jnp.mean(losses_fn(p, X)))(PARAMS)
  chex.assert_trees_all_close(gradients, expected, rtol=1e-5, atol=1e-7)
  assert aux == X.sum()


def test_unknown_path_names_the_nearest():
  grad_fn = balancing.value_and_grad(
    losses_fn, balancing.sum(K), shared=("encoders",)
  )
  with pytest.raises(ValueError, match="Did you mean 'encoder'"):
    grad_fn.init(PARAMS)


def test_balancer_of_features_is_refused_for_parameters():
  with pytest.raises(ValueError, match="does not act on shared_params"):
    balancing.value_and_grad(losses_fn, balancing.ial(K), shared=SHARED)
  with pytest.raises(ValueError, match="does not act on features"):
    balancing.mtl_grad(encode, [], balancing.moco(K))


def test_groups_do_not_matter():
  rows = jnp.arange(10.0).reshape(5, 2)
  one, two, every = (in_groups(jnp.sin, rows, n) for n in (1, 2, 0))
  chex.assert_trees_all_equal(one, two, every, jnp.sin(rows))


@pytest.mark.parametrize("name", ["upgrad", "mgda", "nash_mtl", "gradvac"])
def test_weights_from_a_gram_matrix_are_those_of_the_gradients(name):
  balancer = balancing.get(name, K)
  present = jnp.array([True, False, True])
  rows = jax.jacrev(losses_fn)(PARAMS, X)["encoder"]
  _, after = balancer.update(
    rows, balancer.init(PARAMS["encoder"]), present=present
  )
  matrix = balancing.gram(rows).matrix.at[1].set(jnp.nan).at[:, 1].set(jnp.nan)
  for products in (matrix, balancing.gram(rows)):
    weights, state = balancer.weigh(products, present=present)
    np.testing.assert_allclose(weights, after.weights, rtol=1e-4, atol=1e-6)
    chex.assert_trees_all_close(state, after, rtol=1e-4, atol=1e-6)


def test_inner_products_of_blocks_add_up():
  rows = jax.jacrev(losses_fn)(PARAMS, X)
  blocks = [rows["encoder"], *rows["heads"]]
  total = sum(balancing.gram(block).matrix for block in blocks)
  np.testing.assert_allclose(total, balancing.gram(rows).matrix, rtol=1e-5)


def test_a_rule_on_whole_gradients_has_no_weights_from_a_matrix():
  with pytest.raises(ValueError, match="'graddrop' has no weights"):
    balancing.graddrop(K).weigh(jnp.eye(K))


def test_a_balancer_is_an_optax_transformation():
  assert isinstance(balancing.pcgrad(K), optax.GradientTransformationExtraArgs)
  chain = optax.chain(balancing.pcgrad(K), optax.sgd(1.0))
  jacobian = jax.jacrev(losses_fn)(PARAMS, X)["encoder"]
  updates, _ = chain.update(jacobian, chain.init(PARAMS["encoder"]))
  expected, _ = aggregated(balancing.pcgrad(K))
  found = jax.tree.map(jnp.negative, updates)
  chex.assert_trees_all_close(found, expected["encoder"], rtol=1e-5)


def test_nash_mtl_limits_the_shared_gradient_alone():
  limited, free = (balancing.nash_mtl(K, max_norm=norm) for norm in (0.01, 0))
  present = jnp.array([True, True, False])
  states = {}
  for name, balancer in (("limited", limited), ("free", free)):
    rows = jax.jacrev(losses_fn)(PARAMS, X)["encoder"]
    _, states[name] = balancer.update(
      rows, balancer.init(PARAMS["encoder"]), present=present
    )
  shared = states["limited"].weights / states["free"].weights
  assert jnp.all(shared[:2] < 0.1)
  found = limited.decoder_weights(states["limited"])
  np.testing.assert_allclose(found, states["free"].weights, rtol=1e-5)
  assert found[2] == 0
