"""The networks of torchvision 0.29, with their classifiers."""

import dataclasses
import functools
from collections.abc import Iterator

from jtr_jax.models.backbones.resnet import RESNETS, ResNet, ResNetSettings
from jtr_jax.models.base import Compute
from jtr_jax.models.published import resnet
from jtr_jax.models.published.network import (
  Build,
  PublishedNetwork,
  Sizes,
  WithTop,
)
from jtr_jax.models.published.tensors import linear
from jtr_jax.models.published.tops import LinearTop

_DILATED = (False, True, True)


def networks() -> Iterator[tuple[str, Build]]:
  """Yield name and constructor of every network."""
  for name, settings in RESNETS.items():
    dilated = dataclasses.replace(settings, dilated=_DILATED)
    yield name, functools.partial(_resnet, settings=settings)
    yield f"{name}_dilated", functools.partial(_resnet, settings=dilated)


def _resnet(
  name: str,
  sizes: Sizes,
  compute: Compute,
  *,
  settings: ResNetSettings,
) -> PublishedNetwork:
  stages = resnet.stages(settings)
  last = list(stages)[-1]
  return PublishedNetwork(
    name,
    WithTop(
      ResNet(settings, compute), LinearTop(sizes.classes, last, compute=compute)
    ),
    (
      *resnet.rows(settings, path=("backbone",)),
      *linear("fc", ("top", "linear")),
    ),
    {**stages, "output": "output"},
    classifier="fc.weight",
    stem="conv1.weight",
  )
