"""ConvNeXt under the names of torchvision and of timm."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from jtr_jax.models.backbones.convnext import (
  EPSILON,
  ConvNeXt,
  ConvNeXtSettings,
)
from jtr_jax.models.base import Compute
from jtr_jax.models.published.network import PublishedNetwork, Sizes, WithTop
from jtr_jax.models.published.tensors import (
  SAME,
  Layout,
  Tensor,
  convolution,
  linear,
  norm,
)
from jtr_jax.models.published.tops import LinearTop


class Spelling(NamedTuple):
  """How a library names the layers.

  In the names of stage n, {m} is n - 1, {odd} 2 n - 1 and {even} 2 n - 2.

  Attributes:
    stem: its convolution and norm are numbered under this name.
    stage: a stage, whose output is the map.
    block: its blocks are numbered under this name.
    between: norm and convolution before a stage.
    scale: the layer scale of a block.
    scale_layout: [C, 1, 1] or [C].
    layers: depthwise convolution, norm and the two linear layers of a block.
    norm: of the classifier.
    linear: of the classifier.
  """

  stem: str
  stage: str
  block: str
  between: str
  scale: str
  scale_layout: Layout
  layers: tuple[str, str, str, str]
  norm: str
  linear: str

  def stages(self, settings: ConvNeXtSettings) -> Mapping[str, str]:
    """Return the published names of the maps and ours."""
    numbers = range(1, len(settings.depths) + 1)
    return {_named(self.stage, n): f"stage{n}" for n in numbers}

  def rows(self, settings: ConvNeXtSettings) -> Iterator[Tensor]:
    """Yield the tensors of the network with its classifier."""
    stem = ("backbone", "stem_conv")
    yield from convolution(f"{self.stem}.0", stem, bias=True)
    yield from norm(f"{self.stem}.1", ("backbone", "stem_norm"))
    for n, depth in enumerate(settings.depths, start=1):
      if n > 1:
        name = _named(self.between, n)
        yield from norm(f"{name}.0", ("backbone", f"stage{n}_norm"))
        path = ("backbone", f"stage{n}_conv")
        yield from convolution(f"{name}.1", path, bias=True)
      for index in range(depth):
        name = f"{_named(self.block, n)}.{index}"
        yield from self._block(name, ("backbone", f"stage{n}_block{index}"))
    yield from norm(self.norm, ("top", "norm"))
    yield from linear(self.linear, ("top", "linear"))

  def _block(self, name: str, path: tuple[str, ...]) -> Iterator[Tensor]:
    scale = ("params", *path, "layer_scale")
    yield Tensor(f"{name}.{self.scale}", scale, self.scale_layout)
    depthwise, between, expand, project = (f"{name}.{n}" for n in self.layers)
    yield from convolution(depthwise, (*path, "depthwise"), bias=True)
    yield from norm(between, (*path, "norm"))
    yield from linear(expand, (*path, "expand"))
    yield from linear(project, (*path, "project"))


TORCHVISION = Spelling(
  stem="features.0",
  stage="features.{odd}",
  block="features.{odd}",
  between="features.{even}",
  scale="layer_scale",
  scale_layout=Layout(
    lambda x: x.reshape(len(x)), lambda x: x.reshape(-1, 1, 1)
  ),
  layers=("block.0", "block.2", "block.3", "block.5"),
  norm="classifier.0",
  linear="classifier.2",
)
TIMM = Spelling(
  stem="stem",
  stage="stages.{m}",
  block="stages.{m}.blocks",
  between="stages.{m}.downsample",
  scale="gamma",
  scale_layout=SAME,
  layers=("conv_dw", "norm", "mlp.fc1", "mlp.fc2"),
  norm="head.norm",
  linear="head.fc",
)


def network(
  name: str,
  sizes: Sizes,
  compute: Compute,
  *,
  settings: ConvNeXtSettings,
  spelling: Spelling,
) -> PublishedNetwork:
  """Return a ConvNeXt as a library names it."""
  stages = spelling.stages(settings)
  last = list(stages.values())[-1]
  return PublishedNetwork(
    name,
    WithTop(
      ConvNeXt(settings, compute),
      LinearTop(sizes.classes, last, EPSILON, compute),
    ),
    (tuple(spelling.rows(settings)),),
    {**stages, "output": "output"},
    classifier=f"{spelling.linear}.weight",
    stem=f"{spelling.stem}.0.weight",
  )


def _named(pattern: str, stage: int) -> str:
  """Return a name with the numbers of a stage."""
  return pattern.format(m=stage - 1, odd=2 * stage - 1, even=2 * stage - 2)
