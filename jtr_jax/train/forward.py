"""The network over the views of a batch, as a whole or cut at the features.

The views that train are one batch. The others run apart: their predictions are
inputs of the method, and no gradient goes through them into the network.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import rng
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
  key: jax.Array | None = None,
) -> tuple[NetOutput, Tree]:
  """Return the network's output for all views; those that train share a batch.

  Args:
    net: the network.
    params: its parameters.
    model_state: its running statistics.
    images: f32[V, B, H, W, 3].
    specs: one for each view; static.
    key: of the step, for dropout; a network without any needs none.

  Returns:
    Predictions and features in training mode, with leading axes V and B, and
    the new statistics.
  """
  features, state = encode_views(net, params, model_state, images, specs, key)
  copies = (features,) * len(net.tasks)
  trained, states = decode_views(
    net, params, model_state, copies, features, key
  )
  apart = untrained_views(net, params, model_state, images, specs, key)
  output = in_order(trained, apart, specs)
  return output, {"encoder": state, **states}


def encode_views(
  net: MultiTaskNet,
  params: Tree,
  model_state: Tree,
  images: jax.Array,
  specs: tuple[ViewSpec, ...],
  key: jax.Array | None = None,
) -> tuple[Features, Tree]:
  """Return the features of the views that train, and new statistics.

  Args:
    net: the network.
    params: of the encoder at least.
    model_state: running statistics.
    images: f32[V, B, H, W, 3].
    specs: one for each view; static.
    key: of the step, for dropout.

  Returns:
    Features [V' * B, ...] of the V' views that train, one batch, and the
    encoder's statistics.
  """
  batch = _batch(images, specs, True)
  return net.encode(params, model_state, batch, train=True, key=key)


def decode_views(
  net: MultiTaskNet,
  params: Tree,
  model_state: Tree,
  copies: tuple[Features, ...],
  features: Features,
  key: jax.Array | None = None,
) -> tuple[NetOutput, Tree]:
  """Return the output for the views that train, from their features.

  Args:
    net: the network.
    params: of the decoders at least.
    model_state: running statistics.
    copies: of `encode_views`, one for each task.
    features: of `encode_views`, for the method.
    key: of the step, for dropout.

  Returns:
    Predictions and features [V' * B, ...], and the decoders' statistics.
  """
  predictions, states = net.decode(
    params, model_state, copies, train=True, key=key
  )
  return NetOutput(predictions, features), states


def untrained_views(
  net: MultiTaskNet,
  params: Tree,
  model_state: Tree,
  images: jax.Array,
  specs: tuple[ViewSpec, ...],
  key: jax.Array | None = None,
) -> NetOutput | None:
  """Return the output for the views that do not train, None without any.

  It is a constant: no gradient goes into the parameters or the statistics.

  Args:
    net: the network.
    params: its parameters.
    model_state: running statistics.
    images: f32[V, B, H, W, 3].
    specs: one for each view; static.
    key: of the step, for dropout.
  """
  if all(spec.trains for spec in specs):
    return None
  frozen = jax.lax.stop_gradient(params)
  batch = _batch(images, specs, False)
  own = None if key is None else rng.stream(key, "views apart")
  output, _ = net(frozen, model_state, batch, train=True, key=own)
  return output


def in_order(
  trained: NetOutput, apart: NetOutput | None, specs: tuple[ViewSpec, ...]
) -> NetOutput:
  """Return outputs [V' * B, ...] of two kinds of views as [V, B, ...].

  Args:
    trained: of the views that train.
    apart: of the others, None without any.
    specs: one for each view; static.
  """
  count = sum(spec.trains for spec in specs)
  first = _by_view(trained, count)
  if apart is None:
    return first
  rest = _by_view(apart, len(specs) - count)

  def merge(x: jax.Array, y: jax.Array) -> jax.Array:
    rows = {True: iter(x), False: iter(y)}
    return jnp.stack([next(rows[spec.trains]) for spec in specs])

  return jax.tree.map(merge, first, rest)


def _batch(
  images: jax.Array, specs: tuple[ViewSpec, ...], trains: bool
) -> jax.Array:
  """Return the images of views that train, or do not, as [V' * B, H, W, 3]."""
  chosen = np.array([spec.trains == trains for spec in specs])
  if not chosen.all():
    images = images[chosen]
  return images.reshape(-1, *images.shape[2:])


def _by_view(output: NetOutput, views: int) -> NetOutput:
  """Return [V' * B, ...] as [V', B, ...]."""
  return jax.tree.map(lambda x: x.reshape(views, -1, *x.shape[1:]), output)
