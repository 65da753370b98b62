"""EfficientNet-Lite0 and EfficientNetV2-S.

Source: Tan and Le 2019 and 2021; efficientnet_lite_pytorch 0.1.0, which is
TensorFlow's EfficientNet-Lite (no squeeze, no swish); torchvision 0.29.
"""

import flax.linen as nn

from jtr_jax.models.backbones.inverted_residual import (
  InvertedResidualSettings,
  Stage,
)

EFFICIENTNET_LITE0 = InvertedResidualSettings(
  (
    Stage(expand=1, size=3, stride=1, width=16, depth=1),
    Stage(expand=6, size=3, stride=2, width=24, depth=2),
    Stage(expand=6, size=5, stride=2, width=40, depth=2),
    Stage(expand=6, size=3, stride=2, width=80, depth=3),
    Stage(expand=6, size=5, stride=1, width=112, depth=3),
    Stage(expand=6, size=5, stride=2, width=192, depth=4),
    Stage(expand=6, size=3, stride=1, width=320, depth=1),
  ),
  padding="even",
  epsilon=1e-3,
  momentum=0.99,
)

EFFICIENTNET_V2_S = InvertedResidualSettings(
  (
    Stage(expand=1, size=3, stride=1, width=24, depth=2, fused=True),
    Stage(expand=4, size=3, stride=2, width=48, depth=4, fused=True),
    Stage(expand=4, size=3, stride=2, width=64, depth=4, fused=True),
    Stage(expand=4, size=3, stride=2, width=128, depth=6, squeeze=True),
    Stage(expand=6, size=3, stride=1, width=160, depth=9, squeeze=True),
    Stage(expand=6, size=3, stride=2, width=256, depth=15, squeeze=True),
  ),
  stem=24,
  activation=nn.silu,
  epsilon=1e-3,
)
