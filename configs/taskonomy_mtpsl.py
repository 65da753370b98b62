"""MTPSL on Taskonomy (Li et al., CVPR 2022).

    python -m jtr_jax.main --config=configs/taskonomy_mtpsl.py \
      --workdir=runs/taskonomy_mtpsl

One mapping network, conditioned on the pair of tasks: docs/mtpsl.md. The
setting and the arguments are those of taskonomy_jtr.py.

Published: Delta_MTL over Supervised MTL +1.973 % (onelabel), +1.261 %
(randomlabels), +3.160 % (halflabels) (Table 3).
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **published_data.TASKONOMY_ARGUMENTS)
  return published_data.taskonomy("mtpsl", **args)
