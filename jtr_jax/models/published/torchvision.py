"""The networks of torchvision 0.29, with their classifiers."""

import dataclasses
import functools
from collections.abc import Iterator

from jtr_jax.models.backbones.convnext import CONVNEXTS
from jtr_jax.models.backbones.efficientnet import EFFICIENTNET_V2_S
from jtr_jax.models.backbones.inverted_residual import (
  InvertedResidualNet,
  plan,
)
from jtr_jax.models.backbones.mobilenet_v2 import MOBILENET_V2
from jtr_jax.models.backbones.resnet import RESNETS, ResNet, ResNetSettings
from jtr_jax.models.backbones.vgg import VGG16, VGG16_BN, Vgg, VggSettings
from jtr_jax.models.base import Compute
from jtr_jax.models.published import (
  convnext,
  deeplab,
  inverted_residual,
  resnet,
  vgg,
)
from jtr_jax.models.published.network import (
  Build,
  PublishedNetwork,
  Sizes,
  WithTop,
)
from jtr_jax.models.published.tensors import linear
from jtr_jax.models.published.tops import ConvTop, LinearTop, WideTop

NAME = "torchvision"

_DILATED = (False, True, True)
_OUTPUT = {"output": "output"}
_LINEAR = ("top", "linear")


def networks() -> Iterator[tuple[str, Build]]:
  """Yield name and constructor of every network."""
  for name, settings in RESNETS.items():
    dilated = dataclasses.replace(settings, dilated=_DILATED)
    yield name, functools.partial(resnet_network, settings=settings)
    yield f"{name}_dilated", functools.partial(resnet_network, settings=dilated)
    if settings.bottleneck:
      build = functools.partial(_deeplab, settings=dilated)
      yield f"deeplabv3_{name}", build
  yield "vgg16", functools.partial(_vgg, settings=VGG16)
  yield "vgg16_bn", functools.partial(_vgg, settings=VGG16_BN)
  yield "mobilenet_v2", _mobilenet_v2
  yield "efficientnet_v2_s", _efficientnet_v2_s
  convnexts = functools.partial(convnext.network, spelling=convnext.TORCHVISION)
  for name, convnext_settings in CONVNEXTS.items():
    yield name, functools.partial(convnexts, settings=convnext_settings)


def resnet_network(
  name: str, sizes: Sizes, compute: Compute, *, settings: ResNetSettings
) -> PublishedNetwork:
  """Return a ResNet, whose names timm shares."""
  stages = resnet.stages(settings)
  top = LinearTop(sizes.classes, list(stages)[-1], compute=compute)
  rows = resnet.rows(settings, path=("backbone",))
  return PublishedNetwork(
    name,
    WithTop(ResNet(settings, compute), top),
    ((*rows, *linear("fc", _LINEAR)),),
    {**stages, **_OUTPUT},
    classifier="fc.weight",
    stem="conv1.weight",
  )


def _deeplab(
  name: str, sizes: Sizes, compute: Compute, *, settings: ResNetSettings
) -> PublishedNetwork:
  stages = resnet.stages(settings, "backbone.")
  top = deeplab.DeepLabTop(sizes.classes, list(stages.values())[-1], compute)
  rows = resnet.rows(settings, "backbone.", ("backbone",))
  return PublishedNetwork(
    name,
    WithTop(ResNet(settings, compute), top),
    ((*rows, *deeplab.rows()),),
    {**stages, "classifier.0": "aspp", **_OUTPUT},
    classifier="classifier.4.weight",
    stem="backbone.conv1.weight",
  )


def _vgg(
  name: str, sizes: Sizes, compute: Compute, *, settings: VggSettings
) -> PublishedNetwork:
  stages = vgg.stages(settings)
  top = WideTop(sizes.classes, list(stages.values())[-1], compute=compute)
  return PublishedNetwork(
    name,
    WithTop(Vgg(settings, compute), top),
    (tuple(vgg.rows(settings)),),
    {**stages, **_OUTPUT},
    classifier="classifier.6.weight",
    stem="features.0.weight",
  )


def _mobilenet_v2(
  name: str, sizes: Sizes, compute: Compute
) -> PublishedNetwork:
  settings = MOBILENET_V2
  places = [place.name for place in plan(settings)]
  blocks = {f"features.{n}": own for n, own in enumerate(places, start=1)}
  rows = inverted_residual.mobilenet_rows(settings)
  return PublishedNetwork(
    name,
    WithTop(
      InvertedResidualNet(settings, compute),
      ConvTop(sizes.classes, places[-1], settings, compute),
    ),
    ((*rows, *linear("classifier.1", _LINEAR)),),
    {**blocks, f"features.{len(places) + 1}": "top", **_OUTPUT},
    classifier="classifier.1.weight",
    stem="features.0.0.weight",
  )


def _efficientnet_v2_s(
  name: str, sizes: Sizes, compute: Compute
) -> PublishedNetwork:
  settings = EFFICIENTNET_V2_S
  last = {place.stage: place.name for place in plan(settings)}
  stages = {
    f"features.{n}": last[stage]
    for n, stage in enumerate(settings.stages, start=1)
  }
  rows = inverted_residual.efficientnet_rows(settings)
  return PublishedNetwork(
    name,
    WithTop(
      InvertedResidualNet(settings, compute),
      ConvTop(sizes.classes, last[settings.stages[-1]], settings, compute),
    ),
    ((*rows, *linear("classifier.1", _LINEAR)),),
    {**stages, f"features.{len(stages) + 1}": "top", **_OUTPUT},
    classifier="classifier.1.weight",
    stem="features.0.0.weight",
  )
