"""Five tasks of PASCAL-Context, as in IAL.

    python -m jtr_jax.main --config=configs/pascal_supervised.py \
      --workdir=runs/pascal_supervised
    python -m jtr_jax.main --workdir=runs/pascal_ial \
      --config=configs/pascal_supervised.py:balancing=ial

ResNet-18 with a DeepLab head for each task, 512x512, Adam 1e-4, 100 epochs. The
paper's network begins with ImageNet weights. The released label splits are
--config.data.split_file=FILE.npy.

Arguments:
  scenario=full: or onelabel, randomlabels, which hide labels.
  method=supervised: or consistency, jtr, mtpsl.
  seed=0: of everything but the label split.
  epochs=0: 0 is 100.
  steps=0: updates; 0 is from the epochs.
  balancing=uniform: see docs/balancing.md.
  tasks=: some of the five, joined by +; all of them unless given.

Published (IAL, Table III), uniform weights: mIoU 64.0 %, parts 58.5 %, normals
15.0 degrees, saliency 64.8 %, odsF 67.9 %; IAL's balancing, a run for each
primary task: 65.8, 59.5, 14.2, 65.4, 68.1.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **published_data.PASCAL_ARGUMENTS)
  return published_data.pascal(**args)
