"""The network over the views of a batch, in one piece or stage by stage."""

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core.types import ViewSpec
from jtr_jax.models.base import Features
from jtr_jax.models.multitask import MultiTaskNet, NetOutput
from jtr_jax.train.state import Tree


def run_views(
  net: MultiTaskNet,
  params: Tree,
  model_state: Tree,
  images: jax.Array,
  specs: tuple[ViewSpec, ...],
) -> tuple[NetOutput, Tree]:
  """Return what the network makes of all views; those that train share a batch.

  Args:
    net: the network.
    params: its parameters.
    model_state: its running statistics.
    images: f32[V, B, H, W, 3].
    specs: one for each view; static.

  Returns:
    Predictions and features in training mode, with leading axes V and B, and
    the new statistics.
  """
  features, state = encode_views(net, params, model_state, images, specs)
  copies = (features,) * len(net.tasks)
  frozen = jax.lax.stop_gradient(params)
  output, states = decode_views(
    net, (params, frozen), model_state, images, specs, copies, features
  )
  return output, {"encoder": state, **states}


def encode_views(
  net: MultiTaskNet,
  params: Tree,
  model_state: Tree,
  images: jax.Array,
  specs: tuple[ViewSpec, ...],
) -> tuple[Features, Tree]:
  """Return the features of the views that train, one batch, and new statistics.

  Args:
    net: the network.
    params: of the encoder at least.
    model_state: running statistics.
    images: f32[V, B, H, W, 3].
    specs: one for each view; static.
  """
  trains = _trains(specs)
  chosen = images if trains.all() else images[trains]
  flat = chosen.reshape(-1, *images.shape[2:])
  return net.encode(params, model_state, flat, train=True)


def decode_views(
  net: MultiTaskNet,
  params: tuple[Tree, Tree],
  model_state: Tree,
  images: jax.Array,
  specs: tuple[ViewSpec, ...],
  copies: tuple[Features, ...],
  features: Features,
) -> tuple[NetOutput, Tree]:
  """Return the output for all views from the features of those that train.

  Args:
    net: the network.
    params: of the decoders, and all of them for the views that do not train.
    model_state: running statistics.
    images: f32[V, B, H, W, 3].
    specs: one for each view; static.
    copies: of `encode_views`, one for each task.
    features: of `encode_views`, for the method.

  Returns:
    Predictions and features with leading axes V and B, and the decoders' new
    statistics.
  """
  trains, frozen = _trains(specs), params[1]
  predictions, states = net.decode(params[0], model_state, copies, train=True)
  output = _by_view(NetOutput(predictions, features), images)
  if trains.all():
    return output, states
  flat = images[~trains].reshape(-1, *images.shape[2:])
  apart, _ = net(frozen, model_state, flat, train=True)
  places = np.argsort(np.argsort(~trains, kind="stable"))

  def in_order(x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.concatenate([x, y])[places]

  return jax.tree.map(in_order, output, _by_view(apart, images)), states


def _trains(specs: tuple[ViewSpec, ...]) -> np.ndarray:
  return np.array([spec.trains for spec in specs])


def _by_view(output: NetOutput, images: jax.Array) -> NetOutput:
  """Return [V * B, ...] as [V, B, ...]."""
  batch = images.shape[1]
  return jax.tree.map(lambda x: x.reshape(-1, batch, *x.shape[1:]), output)
