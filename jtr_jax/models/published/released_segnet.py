"""The SegNets that the programs of MTPSL and JTR save.

Source: MTPSL, model/segnet_mtl.py and model/segnet_mtl_cityscapes.py; JTR,
models/*_segnet_mtl.py. All have three heads; for Cityscapes nobody uses the
third one. MTPSL's Cityscapes network also has the tensors "con_tasks.*", which
nobody uses: ignore them.
"""

import functools
from collections.abc import Iterator, Mapping

import flax.linen as nn
import jax

from jtr_jax.models.base import Compute, Features
from jtr_jax.models.published.network import Build, PublishedNetwork, Sizes
from jtr_jax.models.published.tensors import (
  Tensor,
  batch_norm,
  convolution,
)
from jtr_jax.models.segnet import FILTERS, Head, SegNet

_CHANNELS = (13, 1, 3)
_EXTRAS: Mapping[str, tuple[str, int]] = {
  "jtr.segnet": ("", 0),
  "mtpsl.segnet": ("logsigma", 3),
  "mtpsl.segnet_cityscapes": ("logsigma_dist", 6),
}
"""Name of the network -> a parameter that it has and never uses."""


def networks() -> Iterator[tuple[str, Build]]:
  """Yield name and constructor of every network."""
  for name, extra in _EXTRAS.items():
    yield name, functools.partial(_segnet, extra=extra)


class _Heads(nn.Module):
  """The heads, and what else the released network has.

  Attributes:
    channels: of each head's output.
    extra: name and length of an unused parameter; "" for none.
    compute: how it is computed.
  """

  channels: tuple[int, ...]
  extra: tuple[str, int]
  compute: Compute

  @nn.compact
  def __call__(
    self, features: Features, *, train: bool
  ) -> dict[str, jax.Array]:
    name, length = self.extra
    if name:
      self.param(name, nn.initializers.zeros, (length,))
    return {
      f"task{index}": Head(width, self.compute.dtype, name=f"task{index}")(
        features, train=train
      )
      for index, width in enumerate(self.channels, start=1)
    }


class ReleasedSegNet(nn.Module):
  """Trunk and heads.

  Attributes:
    filters: widths of the stages.
    channels: of each head's output.
    extra: name and length of an unused parameter; "" for none.
    compute: how it is computed.
  """

  filters: tuple[int, ...]
  channels: tuple[int, ...]
  extra: tuple[str, int]
  compute: Compute

  def setup(self) -> None:
    """Define both parts."""
    self.backbone = SegNet(self.filters, dtype=self.compute.dtype)
    self.top = _Heads(self.channels, self.extra, self.compute)

  def __call__(self, x: jax.Array, *, train: bool) -> dict[str, jax.Array]:
    """Return the raw output of every head, f[B, H, W, C]."""
    return self.top(self.backbone(x, train=train), train=train)


def rows(extra: str) -> Iterator[Tensor]:
  """Yield the tensors.

  Args:
    extra: name of an unused parameter; "" for none.
  """
  for side, released in (("encoder", "enc"), ("decoder", "dec")):
    for stage in range(len(FILTERS)):
      block = f"conv_block_{released}.{stage}"
      later = [block] if stage < 2 else [f"{block}.0", f"{block}.1"]
      for index, layer in enumerate([f"{side}_block.{stage}", *later]):
        path = ("backbone", f"{side}{stage}")
        yield from convolution(f"{layer}.0", (*path, f"conv{index}"), bias=True)
        yield from batch_norm(f"{layer}.1", (*path, f"norm{index}"))
  for task in range(1, len(_CHANNELS) + 1):
    for index in range(2):
      head = ("top", f"task{task}", f"conv{index}")
      yield from convolution(f"pred_task{task}.{index}", head, bias=True)
  if extra:
    yield Tensor(extra, ("params", "top", extra))


def _segnet(
  name: str, sizes: Sizes, compute: Compute, *, extra: tuple[str, int]
) -> PublishedNetwork:
  channels = sizes.outputs or _CHANNELS
  return PublishedNetwork(
    name,
    ReleasedSegNet(sizes.filters or FILTERS, channels, extra, compute),
    (tuple(rows(extra[0])),),
    {f"pred_task{n}": f"task{n}" for n in range(1, len(channels) + 1)},
    stem="encoder_block.0.0.weight",
    measure=_measure,
  )


def _measure(shapes: Mapping[str, tuple[int, ...]]) -> Sizes:
  """Return widths and channels of the tensors, as far as they are there."""
  stages = [f"encoder_block.{n}.0.weight" for n in range(len(FILTERS))]
  heads = [f"pred_task{n}.1.weight" for n in range(1, len(_CHANNELS) + 1)]
  if not all(name in shapes for name in (*stages, *heads)):
    return Sizes()
  return Sizes(
    filters=tuple(shapes[name][0] for name in stages),
    outputs=tuple(shapes[name][0] for name in heads),
  )
