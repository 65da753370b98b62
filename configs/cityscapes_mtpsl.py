"""MTPSL on Cityscapes (Li et al., CVPR 2022).

    python -m jtr_jax.main --config=configs/cityscapes_mtpsl.py \
      --workdir=runs/cityscapes_mtpsl

One mapping network, conditioned on the pair of tasks: docs/mtpsl.md. The
setting and the arguments are those of cityscapes_jtr.py.

Published for onelabel: mIoU 72.09 %, inverse depth abs. error 0.0168 (Table 2);
Delta_MTL +5.545 % over Supervised MTL with the same augmentation (Table 10).
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **published_data.CITYSCAPES_ARGUMENTS)
  return published_data.cityscapes("mtpsl", **args)
