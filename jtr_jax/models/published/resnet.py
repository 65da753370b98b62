"""ResNets under torchvision's names."""

from collections.abc import Iterator, Mapping

from jtr_jax.models.backbones.resnet import ResNetSettings
from jtr_jax.models.published.tensors import Tensor, conv_norm


def rows(
  settings: ResNetSettings, prefix: str = "", path: tuple[str, ...] = ()
) -> Iterator[Tensor]:
  """Yield the tensors of a ResNet without its classifier.

  Args:
    settings: of the network.
    prefix: of the published names, such as "backbone.".
    path: of the module in our variables.
  """
  yield from conv_norm(f"{prefix}conv1", f"{prefix}bn1", (*path, "stem"))
  convs = range(1, 4 if settings.bottleneck else 3)
  for stage, depth in enumerate(settings.depths):
    for index in range(depth):
      name = f"{prefix}layer{stage + 1}.{index}"
      own = (*path, f"layer{stage + 1}_block{index}")
      for n in convs:
        yield from conv_norm(
          f"{name}.conv{n}", f"{name}.bn{n}", (*own, f"conv{n}")
        )
      if index == 0 and (stage > 0 or settings.bottleneck):
        down = f"{name}.downsample"
        yield from conv_norm(f"{down}.0", f"{down}.1", (*own, "downsample"))


def stages(settings: ResNetSettings, prefix: str = "") -> Mapping[str, str]:
  """Return the published names of the maps and ours."""
  names = [f"layer{n}" for n in range(1, len(settings.depths) + 1)]
  return {prefix + name: name for name in names}
