"""Consistency regularisation on Cityscapes.

    python -m jtr_jax.main --config=configs/cityscapes_consistency.py \
      --workdir=runs/cityscapes_consistency

Predictions for two colourings agree where a label is missing. The setting and
the arguments are those of cityscapes_jtr.py.

Published for onelabel: mIoU 71.67 %, inverse depth abs. error 0.0178 (Table 2,
quoted from MTPSL's paper, which did not change colours).
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **published_data.CITYSCAPES_ARGUMENTS)
  return published_data.cityscapes("consistency", **args)
