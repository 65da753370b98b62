"""The shared part of a network: an image to the maps that heads read."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

import flax.linen as nn
import jax
import numpy as np

from jtr_jax.core import errors
from jtr_jax.models.base import SHARED, Features, pad_to_stride


@dataclasses.dataclass(frozen=True)
class Normalization:
  """What is done to an image f32[B, H, W, C] in [0, 1] before anything else.

  Attributes:
    mean: subtracted from each channel; one value, or one for each channel.
    std: what each channel is divided by then; likewise.
  """

  mean: tuple[float, ...] = (0.0,)
  std: tuple[float, ...] = (1.0,)

  def __call__(self, images: jax.Array) -> jax.Array:
    """Return the normalised images.

    Raises:
      ValueError: the images have another number of channels.
    """
    channels = images.shape[-1]
    for name, values in (("mean", self.mean), ("std", self.std)):
      if len(values) not in (1, channels):
        raise ValueError(
          errors.message(
            f"The input's {name} does not fit the images",
            found=f"{len(values)} values, {channels} channels",
            expected="one value, or one for each channel",
            do="Set model.mean and model.std, or model.input='none'.",
          )
        )
    if self == NO_NORMALIZATION:
      return images
    mean, std = (np.asarray(x, images.dtype) for x in (self.mean, self.std))
    return (images - mean) / std


NO_NORMALIZATION = Normalization()
IMAGENET = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
TENSORFLOW = Normalization((127 / 255,), (128 / 255,))
"""Of efficientnet_lite_pytorch: (x - 127) / 128 of values from 0 to 255."""

NORMALIZATIONS: Mapping[str, Normalization] = MappingProxyType(
  {
    "none": NO_NORMALIZATION,
    "imagenet": IMAGENET,
    "efficientnet_lite": TENSORFLOW,
  }
)


class Encoder(nn.Module):
  """Input normalisation, backbone, and a neck that all tasks share.

  An image is padded below and to the right where the backbone would otherwise
  lose pixels there; what heads make of the padding is cut off.

  Attributes:
    backbone: image -> maps by name, with `strides`, `multiple`, `last_layer`.
    sources: names of the maps that heads or the neck read, the finest first.
    neck: features -> one map, with `last_layer`; None for none.
    kept: names of the maps that heads read beside that of the neck.
    normalization: of the images.
  """

  backbone: nn.Module
  sources: tuple[str, ...]
  neck: nn.Module | None = None
  kept: tuple[str, ...] = ()
  normalization: Normalization = NO_NORMALIZATION

  @property
  def last_layer(self) -> tuple[str, ...]:
    """Where the parameters have the last layer that all tasks share."""
    part = "backbone" if self.neck is None else "neck"
    module = self.backbone if self.neck is None else self.neck
    return part, *module.last_layer

  def __call__(self, images: jax.Array, *, train: bool) -> Features:
    """Return the features of f32[B, H, W, C], any H and W."""
    size = images.shape[1], images.shape[2]
    x = pad_to_stride(self.normalization(images), self.backbone.multiple)
    covered = x.shape[1], x.shape[2]
    maps = self.backbone(x, train=train)
    strides = self.backbone.strides
    features = Features(
      {name: maps[name] for name in self.sources},
      tuple((name, strides[name]) for name in self.sources),
      size,
      covered,
    )
    if self.neck is None:
      return features
    shared = self.neck(features, train=train)
    stride = -(-covered[0] // shared.shape[1])
    kept = tuple((name, strides[name]) for name in self.kept)
    return Features(
      {**{name: maps[name] for name in self.kept}, SHARED: shared},
      (*kept, (SHARED, stride)),
      size,
      covered,
    )
