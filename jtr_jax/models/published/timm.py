"""The networks of timm 1.0."""

import functools
from collections.abc import Iterator

from jtr_jax.models.backbones import vit as backbone
from jtr_jax.models.backbones.convnext import CONVNEXTS
from jtr_jax.models.backbones.resnet import RESNETS
from jtr_jax.models.backbones.vit import Vit, VitSettings
from jtr_jax.models.base import Compute
from jtr_jax.models.published import convnext, vit
from jtr_jax.models.published.network import (
  Build,
  PublishedNetwork,
  Sizes,
  WithTop,
)
from jtr_jax.models.published.torchvision import resnet_network

NAME = "timm"


def networks() -> Iterator[tuple[str, Build]]:
  """Yield name and constructor of every network."""
  for name, settings in RESNETS.items():
    yield name, functools.partial(resnet_network, settings=settings)
  convnexts = functools.partial(convnext.network, spelling=convnext.TIMM)
  for name, convnext_settings in CONVNEXTS.items():
    yield name, functools.partial(convnexts, settings=convnext_settings)
  for size in backbone.SIZES:
    name = f"vit_{size}_patch"
    for middle, registers in (("", 0), ("_reg4", 4)):
      yield f"{name}14{middle}_dinov2", _vit(backbone.dinov2(size, registers))
    yield f"{name}16_dinov3", _vit(backbone.dinov3(size))
    yield f"{name}16_dinov3_qkvb", _vit(backbone.dinov3(size, "query_value"))


def _vit(settings: VitSettings) -> Build:
  return functools.partial(_vit_network, settings=settings)


def _vit_network(
  name: str, sizes: Sizes, compute: Compute, *, settings: VitSettings
) -> PublishedNetwork:
  del sizes  # no classifier
  return PublishedNetwork(
    name,
    WithTop(Vit(settings, compute), None),
    (tuple(vit.timm_rows(settings)),),
    vit.stages(settings, "block"),
    stem="patch_embed.proj.weight",
    side=4 * settings.patch,
  )
