"""MobileNetV2. Source: Sandler et al. 2018; torchvision 0.29."""

from jtr_jax.models.backbones.inverted_residual import (
  InvertedResidualSettings,
  Stage,
)

MOBILENET_V2 = InvertedResidualSettings(
  (
    Stage(expand=1, size=3, stride=1, width=16, depth=1),
    Stage(expand=6, size=3, stride=2, width=24, depth=2),
    Stage(expand=6, size=3, stride=2, width=32, depth=3),
    Stage(expand=6, size=3, stride=2, width=64, depth=4),
    Stage(expand=6, size=3, stride=1, width=96, depth=3),
    Stage(expand=6, size=3, stride=2, width=160, depth=3),
    Stage(expand=6, size=3, stride=1, width=320, depth=1),
  )
)
