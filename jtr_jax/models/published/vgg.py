"""VGG under torchvision's names."""

from collections.abc import Iterator, Mapping

from jtr_jax.models.backbones.vgg import VggSettings
from jtr_jax.models.published.tensors import (
  Layout,
  Tensor,
  conv_norm,
  convolution,
  linear,
)
from jtr_jax.models.published.tops import POOLED


def rows(settings: VggSettings) -> Iterator[Tensor]:
  """Yield the tensors of a VGG with its classifier."""
  count = 0
  for stage, depth in enumerate(settings.depths, start=1):
    for index in range(depth):
      name = f"features.{count}"
      path = ("backbone", f"stage{stage}", f"conv{index}")
      if settings.norm:
        yield from conv_norm(name, f"features.{count + 1}", path, bias=True)
      else:
        yield from convolution(name, (*path, "conv"), bias=True)
      count += 3 if settings.norm else 2
    count += 1
  for index, number in enumerate((0, 3, 6)):
    name, top = f"classifier.{number}", ("top", f"linear{index}")
    if index == 0:
      yield from linear(name, top, _flattened(settings.widths[-1]))
    else:
      yield from linear(name, top)


def stages(settings: VggSettings) -> Mapping[str, str]:
  """Return the published names of the maps and ours."""
  names, count = {}, 0
  for stage, depth in enumerate(settings.depths, start=1):
    count += (3 if settings.norm else 2) * depth
    names[f"features.{count}"] = f"stage{stage}"
    count += 1
  return names


def _flattened(width: int) -> Layout:
  """Return the layout of a matrix that reads a map, channels first there."""
  side = (POOLED, POOLED)
  return Layout(
    lambda x: (
      x.reshape(-1, width, *side).transpose(2, 3, 1, 0).reshape(-1, len(x))
    ),
    lambda x: (
      x.reshape(*side, width, -1).transpose(3, 2, 0, 1).reshape(x.shape[1], -1)
    ),
  )
