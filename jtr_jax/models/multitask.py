"""Networks as pure functions of explicit parameters.

`params` and `model_state` are dictionaries by stage: "encoder" is shared,
"decoder_<task>" belongs to a task. Nothing outside `models/` sees flax.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import NamedTuple

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from jtr_jax.core import rng
from jtr_jax.core.types import Predictions
from jtr_jax.models import segnet
from jtr_jax.models.base import Features, Tree, apply
from jtr_jax.models.initialization import initialize
from jtr_jax.models.parameter_names import held
from jtr_jax.models.segnet import Change, Head, SegNet
from jtr_jax.tasks.base import Task

_ANY_SIZE = (64, 64)  # of an image that every encoder can read


class NetOutput(NamedTuple):
  """Outputs of the network for a batch.

  Attributes:
    predictions: for each task f32[B, H, W, C].
    features: of the shared encoder, what the decoders read.
  """

  predictions: Predictions
  features: Features


def decoder_name(task_name: str) -> str:
  """Return the key of a task's decoder in the parameters."""
  return f"decoder_{task_name}"


@dataclasses.dataclass(frozen=True)
class MultiTaskNet:
  """A shared encoder and a decoder for each task.

  Attributes:
    encoder: module image -> Features.
    decoders: for each task the module Features -> raw output, in task order.
    tasks: what turns raw outputs into predictions.
    frozen: patterns of parameters that have no gradient, so that nothing is
      computed for them in a backward pass; see `parameter_names.matches`.
  """

  encoder: nn.Module
  decoders: tuple[nn.Module, ...]
  tasks: tuple[Task, ...]
  frozen: tuple[str, ...] = ()

  def init(
    self, key: jax.Array, image_shape: tuple[int, ...]
  ) -> tuple[Tree, Tree]:
    """Return (params, model_state) for images of shape (H, W, 3)."""
    image = jnp.zeros((1, *image_shape))
    variables = initialize(self.encoder, rng.stream(key, "encoder"), image)
    features = jax.eval_shape(
      lambda: self.encoder.apply(variables, image, train=False)
    )
    params = {"encoder": variables["params"]}
    state = {"encoder": variables.get("batch_stats", {})}
    for task, decoder in zip(self.tasks, self.decoders, strict=True):
      name = decoder_name(task.name)
      variables = initialize(decoder, rng.stream(key, name), features)
      params[name] = variables["params"]
      state[name] = variables.get("batch_stats", {})
    return params, state

  def encode(
    self,
    params: Tree,
    model_state: Tree,
    images: jax.Array,
    *,
    train: bool,
    key: jax.Array | None = None,
  ) -> tuple[Features, Tree]:
    """Return features of f32[B, H, W, 3] and the encoder's new state.

    Args:
      params: of the encoder.
      model_state: of the encoder.
      images: any size.
      train: as for flax.
      key: for dropout; a network without any needs none.
    """
    chex.assert_rank(images, 4)
    return apply(
      self.encoder,
      held(params["encoder"], "encoder", self.frozen),
      model_state["encoder"],
      images,
      train=train,
      key=_part_key(key, "encoder"),
    )

  @property
  def last_shared_layer(self) -> tuple[str, ...]:
    """Where the encoder's parameters have its last layer."""
    path: tuple[str, ...] = self.encoder.last_layer
    return path

  @property
  def bottleneck_width(self) -> int:
    """Channels of the encoder's deepest map; traces the encoder."""
    image = jnp.zeros((1, *_ANY_SIZE, 3))
    features, _ = jax.eval_shape(
      functools.partial(self.encoder.init_with_output, train=False),
      jax.random.key(0),
      image,
    )
    width: int = features.bottleneck.shape[-1]
    return width

  def decode(
    self,
    params: Tree,
    model_state: Tree,
    copies: Sequence[Features],
    *,
    train: bool,
    key: jax.Array | None = None,
  ) -> tuple[Predictions, Tree]:
    """Return every task's prediction and the decoders' new states by name.

    Args:
      params: of the decoders.
      model_state: of the decoders.
      copies: the features for each task, in task order.
      train: as for flax.
      key: for dropout; a network without any needs none.
    """
    predictions, states = {}, {}
    for task, decoder, features in zip(
      self.tasks, self.decoders, copies, strict=True
    ):
      name = decoder_name(task.name)
      raw, states[name] = apply(
        decoder,
        held(params[name], name, self.frozen),
        model_state[name],
        features,
        train=train,
        key=_part_key(key, name),
      )
      predictions[task.name] = task.activate(raw)
    return predictions, states

  def predict(
    self, params: Tree, model_state: Tree, images: jax.Array, *, train: bool
  ) -> tuple[Predictions, Tree]:
    """Return the predictions for f32[B, H, W, 3] and the new model state."""
    output, state = self(params, model_state, images, train=train)
    return output.predictions, state

  def __call__(
    self,
    params: Tree,
    model_state: Tree,
    images: jax.Array,
    *,
    train: bool,
    key: jax.Array | None = None,
  ) -> tuple[NetOutput, Tree]:
    """Return predictions and features of f32[B, H, W, 3] and the new state."""
    features, state = self.encode(
      params, model_state, images, train=train, key=key
    )
    copies = (features,) * len(self.tasks)
    predictions, states = self.decode(
      params, model_state, copies, train=train, key=key
    )
    return NetOutput(predictions, features), {"encoder": state, **states}


def _part_key(key: jax.Array | None, name: str) -> jax.Array | None:
  """Return the key of a part of the network."""
  return None if key is None else rng.stream(key, f"dropout {name}")


@dataclasses.dataclass(frozen=True)
class AutoEncoder:
  """SegNet from maps to maps: the joint-task auto-encoder of JTR, and mappings.

  Attributes:
    trunk: its bottleneck is the joint-task space.
    head: maps the final features to the channels of the output.
  """

  trunk: SegNet
  head: Head

  def init(
    self, key: jax.Array, joint_shape: tuple[int, ...]
  ) -> tuple[Tree, Tree]:
    """Return (params, state) for joint tensors of shape (H, W, J)."""
    joint = jnp.zeros((1, *joint_shape))
    trunk = initialize(self.trunk, rng.stream(key, "trunk"), joint)
    filters, (height, width, _) = self.trunk.filters, joint_shape
    features = segnet.features(
      jnp.zeros((1, 1, 1, filters[-1])),
      jnp.zeros((1, height, width, filters[0])),
      (height, width),
      len(filters),
    )
    head = initialize(self.head, rng.stream(key, "head"), features)
    params = {"trunk": trunk["params"], "head": head["params"]}
    return params, {"trunk": trunk.get("batch_stats", {})}

  def __call__(
    self,
    params: Tree,
    state: Tree,
    joint: jax.Array,
    *,
    train: bool = True,
    change: Change | None = None,
  ) -> tuple[jax.Array, jax.Array, Tree]:
    """Return (bottleneck, reconstruction, new state) of f32[B, H, W, J].

    What the caller does not use, such as the decoding half, XLA removes.

    Args:
      params: of trunk and head.
      state: the running statistics.
      joint: the joint tensors.
      train: whether batch norm is that of training.
      change: of the bottleneck before it is decoded, see `SegNet`.
    """
    chex.assert_rank(joint, 4)
    features, trunk = apply(
      self.trunk,
      params["trunk"],
      state["trunk"],
      joint,
      train=train,
      change=change,
    )
    raw, _ = apply(self.head, params["head"], {}, features, train=train)
    return features.bottleneck, raw, {"trunk": trunk}
