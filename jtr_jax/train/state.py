"""Everything a run changes, in one tree, and how it starts."""

import dataclasses

import jax
import jax.numpy as jnp
import optax

from jtr_jax.core import rng
from jtr_jax.methods.base import Method, Tree
from jtr_jax.models.initial_weights import NO_WEIGHTS, InitialWeights
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.train.averaging import NO_AVERAGE, Averaging, to_evaluate
from jtr_jax.train.task_weighting import (
  PLAIN,
  Balancing,
  BalancingState,
  init_balancing,
)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TrainState:
  """What a checkpoint holds; random keys are derived, not stored.

  Attributes:
    step: i32[], how many updates were made.
    params: by stage: "encoder", "decoder_<task>", "method" and "balancer".
    model_state: running statistics of batch norm, by the same stages, and
      "average", averages of the network to evaluate with, if there are any.
    opt_state: of the optimiser.
    balancing: what the balancers remember.
  """

  step: jax.Array
  params: Tree
  model_state: Tree
  opt_state: optax.OptState
  balancing: BalancingState

  @property
  def to_evaluate(self) -> tuple[Tree, Tree]:
    """Parameters and model state to evaluate with: averages, if kept."""
    return to_evaluate(self.params, self.model_state)


def abstract_state(
  net: MultiTaskNet,
  method: Method,
  optimizer: optax.GradientTransformation,
  balancing: Balancing = PLAIN,
  *,
  averaging: Averaging = NO_AVERAGE,
  size: tuple[int, int],
  sharding: jax.sharding.Sharding | None = None,
) -> TrainState:
  """Return shapes and dtypes of a state, without computing it.

  Args:
    net: see `init_state`.
    method: see `init_state`.
    optimizer: see `init_state`.
    balancing: see `init_state`.
    averaging: see `init_state`.
    size: see `init_state`.
    sharding: of all arrays; None: they are on the first device.
  """
  shapes = jax.eval_shape(
    lambda: init_state(
      net,
      method,
      optimizer,
      balancing,
      averaging=averaging,
      size=size,
      seed=0,
    )
  )
  placed = lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)
  return jax.tree.map(placed, shapes)


def init_state(
  net: MultiTaskNet,
  method: Method,
  optimizer: optax.GradientTransformation,
  balancing: Balancing = PLAIN,
  *,
  averaging: Averaging = NO_AVERAGE,
  size: tuple[int, int],
  seed: int,
  initial: InitialWeights = NO_WEIGHTS,
) -> TrainState:
  """Return the state before the first step.

  Args:
    net: the network.
    method: the method, which may have networks of its own.
    optimizer: for all parameters.
    balancing: how losses and gradients are balanced.
    averaging: how parameters are averaged for evaluation.
    size: (H, W) of the images, pixels.
    seed: of the run.
    initial: trained weights that take the place of random ones.

  Returns:
    The state; the same for every run with this seed.
  """
  params, model_state = initial.over(
    *net.init(rng.stream(seed, "init"), (*size, 3))
  )
  own_params, own_state = method.init(rng.stream(seed, "init method"), size)
  params = {**params, "method": own_params}
  params["balancer"], balancing_state = init_balancing(
    balancing, params, net.last_shared_layer
  )
  return TrainState(
    step=jnp.zeros((), jnp.int32),
    params=params,
    model_state=averaging.start(params, {**model_state, "method": own_state}),
    opt_state=optimizer.init(params),
    balancing=balancing_state,
  )
