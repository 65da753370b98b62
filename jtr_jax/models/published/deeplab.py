"""DeepLabV3 under torchvision's names, on top of its backbone."""

from collections.abc import Iterator

import flax.linen as nn
import jax

from jtr_jax.models.base import FLOAT32, SHARED, Compute, Features
from jtr_jax.models.heads.aspp import Aspp, AsppSettings
from jtr_jax.models.heads.deeplab import DeepLab, DeepLabSettings
from jtr_jax.models.published.tensors import Tensor, conv_norm, convolution

_RATES = len(AsppSettings("").rates)


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
    features = lambda name, x: Features({name: x}, ((name, 8),), size, size)
    trunk = Aspp(AsppSettings(self.source), self.compute, name="trunk")
    x = trunk(features(self.source, maps[self.source]), train=train)
    head = DeepLab(
      self.classes, DeepLabSettings(), compute=self.compute, name="head"
    )
    return {"aspp": x, "output": head(features(SHARED, x), train=train)}


def rows() -> Iterator[Tensor]:
  """Yield the tensors of ASPP and head."""
  trunk, name = ("top", "trunk"), "classifier.0"
  layers = ["point", *(f"rate{n}" for n in range(_RATES))]
  for index, layer in enumerate(layers):
    conv = f"{name}.convs.{index}"
    yield from conv_norm(f"{conv}.0", f"{conv}.1", (*trunk, layer))
  mean = f"{name}.convs.{len(layers)}"
  yield from conv_norm(f"{mean}.1", f"{mean}.2", (*trunk, "mean"))
  project = f"{name}.project"
  yield from conv_norm(f"{project}.0", f"{project}.1", (*trunk, "project"))
  yield from conv_norm("classifier.1", "classifier.2", ("top", "head", "conv0"))
  yield from convolution("classifier.4", ("top", "head", "out"), bias=True)
