"""Three tasks of Cityscapes, as in IAL: 19 classes, ten parts, disparity.

    python -m jtr_jax.main --config=configs/cityscapes_ial.py \
      --workdir=runs/cityscapes_uniform
    python -m jtr_jax.main --workdir=runs/cityscapes_ial \
      --config=configs/cityscapes_ial.py:balancing=ial

Dilated ResNet-50 with a DeepLab head for each task, 256x512, batch 12, in
data/cityscapes_3. The optimiser is that of IAL on NYUv2, Adam 1e-4: for
Cityscapes the paper quotes a rate that is not one of a network.

Arguments:
  scenario=full: or onelabel, randomlabels, which hide labels.
  method=supervised: or consistency, jtr, mtpsl.
  seed=0: of everything but the label split.
  epochs=0: 0 is 100.
  steps=0: updates; 0 is from the epochs.
  balancing=uniform: see docs/balancing.md.
  tasks=segmentation+part_segmentation+disparity: some of them, joined by +.

Published (IAL, Table I), uniform weights: mIoU 54.12 %, parts 51.55 %,
disparity abs. error 0.7959; single-task networks 56.22 %, 52.71 %, 0.8403.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **published_data.AUTO_LAMBDA_ARGUMENTS)
  return published_data.cityscapes_three(**args)
