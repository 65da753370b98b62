"""Multi-task networks from settings: a backbone, heads, and what is shared."""

import dataclasses
from typing import Any

from jtr_jax.core import errors
from jtr_jax.models.backbones.registry import BACKBONES, Backbone, InputName
from jtr_jax.models.backbones.resnet import ResNetSettings
from jtr_jax.models.base import Compute, HeadName
from jtr_jax.models.encoder import NORMALIZATIONS, Encoder, Normalization
from jtr_jax.models.heads import registry as heads
from jtr_jax.models.heads.linear import PooledHead
from jtr_jax.models.heads.registry import HeadSettings
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.tasks.base import Task

_OWN = "own"


@dataclasses.dataclass(frozen=True)
class NetworkSettings:
  """Heads and sizes of a network with a backbone.

  Attributes:
    head: what every task has.
    shared_trunk: whether ASPP, pyramid or DPT are part of the encoder and the
      same for all tasks; else each task has its own.
    head_width: channels of the head's convolutions; 0 for 256, of pyramids 128.
    aspp_rates: dilations of ASPP; () for 96, 192 and 288 pixels of the image.
    aspp_dropout: fraction of ASPP's output that training drops.
    head_dropout: fraction of the last layer's input that training drops.
    output_stride: pixels of the image for one of the deepest map, by dilation;
      0 for 8 with a ResNet and DeepLab, else as published.
    width_factor: fraction of the published widths; trained weights need 1.
    depth_factor: fraction of the published depths; likewise.
    input: normalisation of images, "own" for `mean` and `std`.
    mean: of "own", one value or one for each channel, images being in [0, 1].
    std: of "own", likewise.
    remat: compute maps inside of blocks a second time in the backward pass;
      saves memory.
    frozen_norm: the backbone's batch norm trains with its running statistics,
      as they are.
  """

  head: HeadName = "deeplabv3"
  shared_trunk: bool = False
  head_width: int = 0
  aspp_rates: tuple[int, ...] = ()
  aspp_dropout: float = 0.5
  head_dropout: float = 0.0
  output_stride: int = 0
  width_factor: float = 1.0
  depth_factor: float = 1.0
  input: InputName = "imagenet"
  mean: tuple[float, ...] = (0.0,)
  std: tuple[float, ...] = (1.0,)
  remat: bool = False
  frozen_norm: bool = False


def default_settings(backbone: str) -> NetworkSettings:
  """Return the settings that go with a backbone, a key of `BACKBONES`."""
  chosen = _find(backbone)
  return NetworkSettings(head=chosen.head, input=chosen.input)


def make_network(
  tasks: tuple[Task, ...],
  backbone: str,
  settings: NetworkSettings,
  dtype: Any,
) -> MultiTaskNet:
  """Return the network.

  Args:
    tasks: each has a head.
    backbone: a key of `BACKBONES`.
    settings: of the network.
    dtype: of the computation; parameters are float32.

  Raises:
    ValueError: settings that do not go together.
  """
  chosen = _find(backbone)
  module = chosen.make(
    Compute(dtype, settings.remat, settings.frozen_norm),
    output_stride=settings.output_stride or _usual_stride(chosen, settings),
    width=settings.width_factor,
    depth=settings.depth_factor,
  )
  sizes = HeadSettings(
    settings.head_width,
    settings.aspp_rates,
    settings.aspp_dropout,
    settings.head_dropout,
  )
  plan = heads.plan(settings.head, module.strides, sizes, Compute(dtype))
  shared = settings.shared_trunk
  encoder = Encoder(
    module,
    plan.sources,
    neck=plan.trunk if shared else None,
    kept=plan.kept,
    normalization=_normalization(settings),
  )
  own = None if shared else plan.trunk
  decoders = tuple(
    PooledHead(task.channels, Compute(dtype), task.grid)
    if task.grid
    else plan.build(task.channels, own)
    for task in tasks
  )
  return MultiTaskNet(encoder, decoders, tasks)


def _usual_stride(backbone: Backbone, settings: NetworkSettings) -> int:
  """Return the output stride where none is asked for, 0 for the published."""
  is_resnet = isinstance(backbone.settings, ResNetSettings)
  return 8 if is_resnet and settings.head.startswith("deeplab") else 0


def _normalization(settings: NetworkSettings) -> Normalization:
  if settings.input == _OWN:
    return Normalization(settings.mean, settings.std)
  if settings.input not in NORMALIZATIONS:
    known = (*NORMALIZATIONS, _OWN)
    raise errors.unknown_name("normalisation", settings.input, known)
  return NORMALIZATIONS[settings.input]


def _find(backbone: str) -> Backbone:
  if backbone not in BACKBONES:
    raise errors.unknown_name("backbone", backbone, BACKBONES)
  return BACKBONES[backbone]
