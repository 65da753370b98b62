"""Everything a run changes, in one tree, and how it starts."""

import dataclasses
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import optax

from jtr_jax.core import rng
from jtr_jax.methods.base import Method
from jtr_jax.models.multitask import MultiTaskNet

Tree: TypeAlias = Any
"""A nested dictionary of arrays."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TrainState:
  """What a checkpoint holds; random keys are derived, not stored.

  Attributes:
    step: i32[], how many updates were made.
    params: by stage: "encoder", "decoder_<task>" and "method".
    model_state: running statistics of batch norm, by the same stages.
    opt_state: of the optimiser.
  """

  step: jax.Array
  params: Tree
  model_state: Tree
  opt_state: optax.OptState


def init_state(
  net: MultiTaskNet,
  method: Method,
  optimizer: optax.GradientTransformation,
  *,
  size: tuple[int, int],
  seed: int,
) -> TrainState:
  """Return the state before the first step.

  Args:
    net: the network.
    method: the method, which may have networks of its own.
    optimizer: for all parameters.
    size: (H, W) of the images, pixels.
    seed: of the run.

  Returns:
    The state; the same for every run with this seed.
  """
  params, model_state = net.init(rng.stream(seed, "init"), (*size, 3))
  own_params, own_state = method.init(rng.stream(seed, "init method"), size)
  params = {**params, "method": own_params}
  return TrainState(
    step=jnp.zeros((), jnp.int32),
    params=params,
    model_state={**model_state, "method": own_state},
    opt_state=optimizer.init(params),
  )
