"""JTR on Cityscapes, as published at CVPR 2024: two tasks.

    python -m jtr_jax.main --config=configs/cityscapes_jtr.py \
      --workdir=runs/cityscapes_jtr

SegNet, 128x256, batch 16, images mirrored at random; the rest of the setting is
that of nyu_jtr.py. The data are MTAN's files (docs/datasets.md); the released
label split is --config.data.split_file=onelabel.pth.

Arguments:
  scenario=onelabel: or randomlabels, full; each also +unlabelled<percent>.
  tasks=segmentation+depth: one of them for a single network.
  variant=paper: official is the released program for NYUv2, with batch 16.
  seed=0: of everything but the label split.
  epochs=0: 0 is what the variant says.
  steps=0: updates; 0 is from the epochs.
  balancing=uniform: see docs/balancing.md.

Published for onelabel: mIoU 72.33 %, inverse depth abs. error 0.0163 (Table 2);
Delta_MTL +7.125 % over Supervised MTL with the same augmentation (Table 10).
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **published_data.CITYSCAPES_ARGUMENTS)
  return published_data.cityscapes("jtr", **args)
