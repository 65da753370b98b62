"""What balancers learn from a second batch, against dense derivatives."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from jtr_jax import balancing as balancers
from jtr_jax.methods.supervised import supervised
from jtr_jax.train import implicit_influence
from jtr_jax.train.gradients import forward_losses
from jtr_jax.train.step_parts import Program
from jtr_jax.train.task_weighting import Balancing, LookAhead
from tests.train import small_net

K = len(small_net.NET_TASKS)
RATE, TERMS = 0.5, 2
LABELLED = np.ones((small_net.IMAGES, K), bool)


def program_of(gradient):
  balancing = Balancing(
    balancers.uniform(K),
    gradient,
    look_ahead=LookAhead(lambda step: 0.1, primary=(1,)),
  )
  return Program(
    small_net.make_net(), supervised(small_net.NET_TASKS), balancing
  )


def batches():
  first = small_net.make_batch(0, LABELLED)
  second = small_net.make_batch(1, LABELLED)
  return first, second._replace(images=second.images[:, ::-1] ** 2)


def encoder_losses(program, state):
  """Return (flat encoder parameters, (parameters, batch) -> losses)."""
  start, unravel = ravel_pytree(state.params["encoder"])

  def losses(flat, batch):
    params = {**state.params, "encoder": unravel(flat)}
    return forward_losses(program, state, params, batch)[0]

  return start, losses


def test_influence_is_that_of_the_truncated_inverse_hessian():
  gradient = balancers.auxi_nash(
    K, learn_every=3, terms=TERMS, series_rate=RATE
  )
  program = program_of(gradient)
  state = small_net.start(program, optax.sgd(0.1))
  weights = jnp.array([0.5, 1.0, 2.0])
  batch, extra = batches()

  @jax.jit
  def measured(step):
    own = state.balancing.gradient._replace(step=step, weights=weights)
    balancing = state.balancing._replace(gradient=own)
    return implicit_influence.measure(
      program,
      dataclasses.replace(state, balancing=balancing),
      batch,
      extra,
    )

  start, losses = encoder_losses(program, state)
  jacobian, hessian, held_out = jax.jit(
    lambda x: (
      jax.jacrev(losses)(x, batch),
      jax.jacrev(jax.grad(lambda x: weights @ losses(x, batch)))(x),
      jax.grad(lambda x: losses(x, extra)[1])(x),
    )
  )(start)
  jacobian, hessian, held_out = (
    np.asarray(x, np.float64) for x in (jacobian, hessian, held_out)
  )
  step = np.eye(len(start)) - RATE * hessian
  series = sum(np.linalg.matrix_power(step, i) for i in range(TERMS + 1))
  expected = jacobian @ series @ held_out
  np.testing.assert_allclose(measured(3), expected, rtol=1e-3)
  assert abs(expected[1] - 3 * jacobian[1] @ held_out) > 1e-3 * expected[1]
  for step in (0, 4):  # at first, and between two measurements
    np.testing.assert_array_equal(measured(step), 0)


def test_the_second_sample_of_modo_is_the_extra_batch():
  program = program_of(balancers.modo(K, step_size=0.1, regularization=0.0))
  optimizer = optax.sgd(0.0)
  state = small_net.start(program, optimizer)
  batch, extra = batches()
  after, _ = small_net.make_step(program, optimizer)(state, batch, extra)
  start, losses = encoder_losses(program, state)
  first, second = (
    np.asarray(jax.jacrev(losses)(start, x), np.float64) for x in (batch, extra)
  )
  moved = 1 / K - 0.1 * first @ second.T @ np.full(K, 1 / K)
  expected = moved + (1 - moved.sum()) / K  # inside the simplex
  assert np.all(expected > 0)
  np.testing.assert_allclose(after.balancing.gradient.rule, expected, rtol=1e-4)
