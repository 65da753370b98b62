"""Every backbone by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

import flax.linen as nn

from jtr_jax.core import errors
from jtr_jax.models.backbones.convnext import CONVNEXTS, ConvNeXt
from jtr_jax.models.backbones.efficientnet import (
  EFFICIENTNET_LITE0,
  EFFICIENTNET_V2_S,
)
from jtr_jax.models.backbones.inverted_residual import InvertedResidualNet
from jtr_jax.models.backbones.mobilenet_v2 import MOBILENET_V2
from jtr_jax.models.backbones.resnet import RESNETS, ResNet
from jtr_jax.models.backbones.vgg import VGG16, VGG16_BN, Vgg
from jtr_jax.models.backbones.vit import SIZES, Vit, dinov2, dinov3
from jtr_jax.models.base import Compute, HeadName

InputName: TypeAlias = Literal["imagenet", "efficientnet_lite", "none", "own"]
"""How images are normalised; see `encoder.NORMALIZATIONS`."""


class Backbone(NamedTuple):
  """A backbone that a network may begin with.

  Attributes:
    module: (settings, compute) -> module.
    settings: which one, at its published size.
    input: how its published weights expect an image.
    head: what usually stands on it.
  """

  module: Callable[..., nn.Module]
  settings: Any
  input: InputName = "imagenet"
  head: HeadName = "deeplabv3"

  def make(
    self,
    compute: Compute,
    *,
    output_stride: int = 0,
    width: float = 1.0,
    depth: float = 1.0,
  ) -> nn.Module:
    """Return the module.

    Args:
      compute: how it is computed.
      output_stride: of the deepest map; 0 for the published one.
      width: fraction of the published widths.
      depth: fraction of the published depths.

    Raises:
      ValueError: this backbone cannot have that stride.
    """
    settings = self.settings
    if (width, depth) != (1.0, 1.0):
      settings = settings.scaled(width, depth)
    module = self.module(settings, compute)
    stride = max(module.strides.values())
    if output_stride in (0, stride):
      return module
    if not hasattr(settings, "with_output_stride"):
      raise ValueError(
        errors.message(
          "This backbone cannot dilate its convolutions",
          found=f"an output stride of {output_stride}",
          expected=f"{stride}",
          do="Set model.output_stride to 0.",
        )
      )
    return self.module(settings.with_output_stride(output_stride), compute)


BACKBONES: Mapping[str, Backbone] = MappingProxyType(
  {
    **{name: Backbone(ResNet, own) for name, own in RESNETS.items()},
    "vgg16": Backbone(Vgg, VGG16),
    "vgg16_bn": Backbone(Vgg, VGG16_BN),
    "mobilenet_v2": Backbone(InvertedResidualNet, MOBILENET_V2),
    "efficientnet_v2_s": Backbone(InvertedResidualNet, EFFICIENTNET_V2_S),
    "efficientnet_lite0": Backbone(
      InvertedResidualNet, EFFICIENTNET_LITE0, "efficientnet_lite", "fpn"
    ),
    **{
      name: Backbone(ConvNeXt, own, head="fpn")
      for name, own in CONVNEXTS.items()
    },
    **{
      f"dinov2_{size}{end}": Backbone(Vit, dinov2(size, count), head="dpt")
      for size in SIZES
      for end, count in (("", 0), ("_reg4", 4))
    },
    **{
      f"dinov3_{size}": Backbone(Vit, dinov3(size), head="dpt")
      for size in SIZES
    },
  }
)
