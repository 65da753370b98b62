"""Networks of inverted residuals under the names of two libraries."""

from collections.abc import Iterator

from jtr_jax.models.backbones.inverted_residual import (
  InvertedResidualSettings,
  Plan,
  plan,
)
from jtr_jax.models.published.tensors import Tensor, conv_norm, convolution

_BACKBONE = ("backbone",)


def mobilenet_rows(settings: InvertedResidualSettings) -> Iterator[Tensor]:
  """Yield the tensors of torchvision's MobileNetV2."""
  yield from conv_norm("features.0.0", "features.0.1", (*_BACKBONE, "stem"))
  places = list(plan(settings))
  for index, place in enumerate(places, start=1):
    own, layers = (*_BACKBONE, place.name), []
    if place.stage.expand != 1:
      layers.append("expand")
    layers.append("depthwise")
    name = f"features.{index}.conv"
    for n, layer in enumerate(layers):
      yield from conv_norm(f"{name}.{n}.0", f"{name}.{n}.1", (*own, layer))
    n = len(layers)
    yield from conv_norm(f"{name}.{n}", f"{name}.{n + 1}", (*own, "project"))
  last = f"features.{len(places) + 1}"
  yield from conv_norm(f"{last}.0", f"{last}.1", ("top", "conv"))


def efficientnet_rows(settings: InvertedResidualSettings) -> Iterator[Tensor]:
  """Yield the tensors of torchvision's EfficientNetV2."""
  yield from conv_norm("features.0.0", "features.0.1", (*_BACKBONE, "stem"))
  places = plan(settings)
  for stage, sizes in enumerate(settings.stages, start=1):
    for index in range(sizes.depth):
      place, name = next(places), f"features.{stage}.{index}.block"
      own = (*_BACKBONE, place.name)
      for n, layer in enumerate(_layers(place)):
        if layer == "squeeze":
          inner = (*own, "squeeze")
          yield from convolution(
            f"{name}.{n}.fc1", (*inner, "reduce"), bias=True
          )
          yield from convolution(
            f"{name}.{n}.fc2", (*inner, "expand"), bias=True
          )
        else:
          yield from conv_norm(f"{name}.{n}.0", f"{name}.{n}.1", (*own, layer))
  last = f"features.{len(settings.stages) + 1}"
  yield from conv_norm(f"{last}.0", f"{last}.1", ("top", "conv"))


def _layers(place: Plan) -> list[str]:
  """Return the layers of a block, in order."""
  stage = place.stage
  if stage.fused:
    return ["fused"] if stage.expand == 1 else ["fused", "project"]
  layers = ["expand"] if stage.expand != 1 else []
  layers += ["depthwise"] + (["squeeze"] if stage.squeeze else [])
  return [*layers, "project"]


def lite_rows(settings: InvertedResidualSettings) -> Iterator[Tensor]:
  """Yield the tensors of efficientnet_lite_pytorch."""
  yield from conv_norm("_conv_stem", "_bn0", (*_BACKBONE, "stem"))
  for index, place in enumerate(plan(settings)):
    name, own = f"_blocks.{index}", (*_BACKBONE, place.name)
    layers = [("_depthwise_conv", "_bn1", "depthwise")]
    if place.stage.expand != 1:
      layers.insert(0, ("_expand_conv", "_bn0", "expand"))
    layers.append(("_project_conv", "_bn2", "project"))
    for conv, norm, layer in layers:
      yield from conv_norm(f"{name}.{conv}", f"{name}.{norm}", (*own, layer))
  yield from conv_norm("_conv_head", "_bn1", ("top", "conv"))
