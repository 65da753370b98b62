"""ConvNeXt under the names of torchvision and of timm."""

from collections.abc import Iterator, Mapping

from jtr_jax.models.backbones.convnext import ConvNeXtSettings
from jtr_jax.models.published.tensors import (
  Layout,
  Tensor,
  convolution,
  linear,
  norm,
)

_SCALE = Layout(  # [C, 1, 1] and [C]
  lambda x: x.reshape(len(x)), lambda x: x.reshape(-1, 1, 1)
)


def torchvision_rows(settings: ConvNeXtSettings) -> Iterator[Tensor]:
  """Yield the tensors of torchvision's ConvNeXt with its classifier."""
  stem = ("backbone", "stem_conv")
  yield from convolution("features.0.0", stem, bias=True)
  yield from norm("features.0.1", ("backbone", "stem_norm"))
  for stage, depth in enumerate(settings.depths, start=1):
    if stage > 1:
      name = f"features.{2 * stage - 2}"
      yield from norm(f"{name}.0", ("backbone", f"stage{stage}_norm"))
      path = ("backbone", f"stage{stage}_conv")
      yield from convolution(f"{name}.1", path, bias=True)
    for index in range(depth):
      name = f"features.{2 * stage - 1}.{index}"
      own = ("backbone", f"stage{stage}_block{index}")
      scale = ("params", *own, "layer_scale")
      yield Tensor(f"{name}.layer_scale", scale, _SCALE)
      layers = ("block.0", "block.2", "block.3", "block.5")
      yield from _block([f"{name}.{layer}" for layer in layers], own)
  yield from norm("classifier.0", ("top", "norm"))
  yield from linear("classifier.2", ("top", "linear"))


def timm_rows(settings: ConvNeXtSettings) -> Iterator[Tensor]:
  """Yield the tensors of timm's ConvNeXt with its classifier."""
  yield from convolution("stem.0", ("backbone", "stem_conv"), bias=True)
  yield from norm("stem.1", ("backbone", "stem_norm"))
  for stage, depth in enumerate(settings.depths, start=1):
    if stage > 1:
      name = f"stages.{stage - 1}.downsample"
      yield from norm(f"{name}.0", ("backbone", f"stage{stage}_norm"))
      path = ("backbone", f"stage{stage}_conv")
      yield from convolution(f"{name}.1", path, bias=True)
    for index in range(depth):
      name = f"stages.{stage - 1}.blocks.{index}"
      own = ("backbone", f"stage{stage}_block{index}")
      yield Tensor(f"{name}.gamma", ("params", *own, "layer_scale"))
      layers = ("conv_dw", "norm", "mlp.fc1", "mlp.fc2")
      yield from _block([f"{name}.{layer}" for layer in layers], own)
  yield from norm("head.norm", ("top", "norm"))
  yield from linear("head.fc", ("top", "linear"))


def _block(names: list[str], path: tuple[str, ...]) -> Iterator[Tensor]:
  """Yield the rows of a block's depthwise, norm and linear layers."""
  depthwise, between, expand, project = names
  yield from convolution(depthwise, (*path, "depthwise"), bias=True)
  yield from norm(between, (*path, "norm"))
  yield from linear(expand, (*path, "expand"))
  yield from linear(project, (*path, "project"))


def torchvision_stages(settings: ConvNeXtSettings) -> Mapping[str, str]:
  """Return torchvision's names of the maps and ours."""
  stages = range(1, len(settings.depths) + 1)
  return {f"features.{2 * n - 1}": f"stage{n}" for n in stages}


def timm_stages(settings: ConvNeXtSettings) -> Mapping[str, str]:
  """Return timm's names of the maps and ours."""
  stages = range(1, len(settings.depths) + 1)
  return {f"stages.{n - 1}": f"stage{n}" for n in stages}
