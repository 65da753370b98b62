"""Supervised MTL on Cityscapes: the labels there are, and nothing else.

    python -m jtr_jax.main --config=configs/cityscapes_supervised.py \
      --workdir=runs/cityscapes_supervised

The setting and the arguments are those of cityscapes_jtr.py.

Published for onelabel: mIoU 68.35 %, inverse depth abs. error 0.0178 with
RandAugment, as here (Table 10); 69.50 %, 0.0186 as quoted from MTPSL's paper
(Table 2), where the network with all labels has 72.70 %, 0.0163.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **published_data.CITYSCAPES_ARGUMENTS)
  return published_data.cityscapes("supervised", **args)
