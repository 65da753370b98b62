"""A small training state, for the tests of checkpoints."""

import jax
import jax.numpy as jnp
import optax
from flax import struct


@struct.dataclass
class State:
  step: jax.Array
  params: dict
  opt_state: optax.OptState
  nothing: tuple = ()


def make_state(step: int, *, width: int = 50) -> State:
  params = {
    "encoder": {
      "kernel": jax.random.normal(jax.random.key(step), (40, width)),
      "bias": jnp.full((width,), step, jnp.bfloat16),
    },
    "flags": jnp.array([True, False]),
  }
  return State(jnp.int32(step), params, optax.adam(1e-3).init(params))
