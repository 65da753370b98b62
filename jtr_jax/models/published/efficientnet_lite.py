"""EfficientNet-Lite0 of efficientnet_lite_pytorch 0.1.0."""

from collections.abc import Iterator

from jtr_jax.models.backbones.efficientnet import EFFICIENTNET_LITE0
from jtr_jax.models.backbones.inverted_residual import (
  InvertedResidualNet,
  plan,
)
from jtr_jax.models.base import Compute
from jtr_jax.models.published.inverted_residual import lite_rows
from jtr_jax.models.published.network import (
  Build,
  PublishedNetwork,
  Sizes,
  WithTop,
)
from jtr_jax.models.published.tensors import linear
from jtr_jax.models.published.tops import ConvTop

NAME = "efficientnet_lite_pytorch"
INPUT = "efficientnet_lite"
"""How it expects images, a key of `encoder.NORMALIZATIONS`."""


def networks() -> Iterator[tuple[str, Build]]:
  """Yield name and constructor of every network."""
  yield "efficientnet_lite0", _lite0


def _lite0(name: str, sizes: Sizes, compute: Compute) -> PublishedNetwork:
  settings = EFFICIENTNET_LITE0
  places = [place.name for place in plan(settings)]
  return PublishedNetwork(
    name,
    WithTop(
      InvertedResidualNet(settings, compute),
      ConvTop(sizes.classes, places[-1], settings, compute),
    ),
    ((*lite_rows(settings), *linear("_fc", ("top", "linear"))),),
    {
      **{f"blocks.{n}": own for n, own in enumerate(places)},
      "features": "top",
      "output": "output",
    },
    classifier="_fc.weight",
    stem="_conv_stem.weight",
  )
