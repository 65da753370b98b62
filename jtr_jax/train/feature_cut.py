"""A forward pass that is cut at the shared features.

One backward pass through the decoders gives all dL_k/dz, because a task's loss
depends on its own decoder alone.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.methods.base import MethodOutput
from jtr_jax.train import forward, task_weighting
from jtr_jax.train.state import TrainState, Tree
from jtr_jax.train.step_parts import Batch, Program, method_output


class Cut(NamedTuple):
  """A forward pass that is cut at the shared features.

  Attributes:
    encode: encoder parameters -> (features, statistics).
    features: of the views that train.
    through_encoder: gradient at the features -> of the encoder.
    through_decoders: gradients of (losses, regulariser) -> of the other
      parameters, of the features for each task, and of those for the method.
    values: f32[K], the tasks' losses.
    present: bool[K].
    output: of the method.
    model_state: new.
  """

  encode: Callable[[Tree], tuple[Tree, Tree]]
  features: Tree
  through_encoder: Callable[[Tree], tuple[Tree]]
  through_decoders: Callable[..., tuple[Tree, tuple[Tree, ...], Tree]]
  values: jax.Array
  present: jax.Array
  output: MethodOutput
  model_state: Tree

  def encoder_gradient(self, direction: Tree) -> Tree:
    """Return the encoder's gradient from one at the features."""
    direction = jax.tree.map(
      lambda d, z: d.astype(z.dtype), direction, self.features
    )
    return self.through_encoder(direction)[0]


class Regularizer(NamedTuple):
  """The gradient of a method's regularisers.

  Attributes:
    others: of all parameters but the encoder's.
    features: at the shared features.
  """

  others: Tree
  features: Tree


def cut_at_features(program: Program, state: TrainState, batch: Batch) -> Cut:
  """Return the forward pass, with a backward function for either half.

  The features enter the decoders as K copies, so that their K gradients remain
  apart, and the method as one more.

  Args:
    program: network, method and balancing.
    state: before the step.
    batch: views and labels.
  """
  net, specs = program.net, program.method.views
  before, images, key = state.model_state, batch.images, batch.key
  others = {n: p for n, p in state.params.items() if n != "encoder"}
  apart = forward.untrained_views(net, state.params, before, images, specs, key)

  def encode(encoder: Tree) -> tuple[Tree, Tree]:
    return forward.encode_views(
      net, {"encoder": encoder}, before, images, specs, key
    )

  def decode(
    others: Tree, copies: tuple[Tree, ...], features: Tree
  ) -> tuple[tuple[jax.Array, jax.Array], Any]:
    trained, states = forward.decode_views(
      net, others, before, copies, features, key
    )
    seen = forward.in_order(trained, apart, specs)
    output = method_output(program, state, others["method"], seen, batch)
    values, present = task_weighting.task_losses(
      output, program.names, program.balancing.task_loss
    )
    regularizer = task_weighting.regularizer(output)
    return (values, regularizer), (present, output, states)

  features, through_encoder, encoder_state = jax.vjp(
    encode, state.params["encoder"], has_aux=True
  )
  (values, _), through_decoders, (present, output, states) = jax.vjp(
    decode, others, (features,) * len(net.tasks), features, has_aux=True
  )
  model_state = {"encoder": encoder_state, **states, "method": output.state}
  return Cut(
    encode,
    features,
    through_encoder,
    through_decoders,
    values,
    present,
    output,
    model_state,
  )


def regularizer_gradient(cut: Cut) -> Regularizer | None:
  """Return the gradient of the regularisers, None if there are none."""
  if not cut.output.regularizers:
    return None
  none = jnp.zeros_like(cut.values)
  others, copies, direct = cut.through_decoders((none, jnp.ones(())))
  return Regularizer(others, jax.tree.map(lambda *x: sum(x), direct, *copies))
