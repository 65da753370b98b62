"""DeepLabV3 under torchvision's names, on top of its backbone."""

from collections.abc import Iterator

import flax.linen as nn
import jax

from jtr_jax.models.base import FLOAT32, Compute, Features
from jtr_jax.models.heads.aspp import ASPP, Aspp
from jtr_jax.models.heads.deeplab import DeepLab, DeepLabSettings
from jtr_jax.models.published.tensors import Tensor, conv_norm, convolution


class DeepLabTop(nn.Module):
  """ASPP and head of torchvision's DeepLabV3.

  Attributes:
    classes: channels of the output.
    source: the map that ASPP reads.
    compute: how it is computed.
  """

  classes: int
  source: str
  compute: Compute = FLOAT32

  @nn.compact
  def __call__(
    self, image: jax.Array, maps: dict[str, jax.Array], *, train: bool
  ) -> dict[str, jax.Array]:
    """Return "aspp", and "output", f[B, H, W, classes]."""
    size = image.shape[1], image.shape[2]
    aspp = Aspp(ASPP, self.compute, name="aspp")
    x = aspp(maps[self.source], train=train)
    settings = DeepLabSettings("aspp", aspp=None)
    head = DeepLab(self.classes, settings, self.compute, name="head")
    features = Features({"aspp": x}, (("aspp", 8),), size, size)
    return {"aspp": x, "output": head(features, train=train)}


def rows() -> Iterator[Tensor]:
  """Yield the tensors of ASPP and head."""
  aspp, name = ("top", "aspp"), "classifier.0"
  layers = ["point", *(f"rate{n}" for n in range(len(ASPP.rates)))]
  for index, layer in enumerate(layers):
    conv = f"{name}.convs.{index}"
    yield from conv_norm(f"{conv}.0", f"{conv}.1", (*aspp, layer))
  mean = f"{name}.convs.{len(layers)}"
  yield from conv_norm(f"{mean}.1", f"{mean}.2", (*aspp, "mean"))
  project = f"{name}.project"
  yield from conv_norm(f"{project}.0", f"{project}.1", (*aspp, "project"))
  yield from conv_norm("classifier.1", "classifier.2", ("top", "head", "conv0"))
  yield from convolution("classifier.4", ("top", "head", "out"), bias=True)
