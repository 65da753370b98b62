"""Consistency regularisation on Taskonomy.

    python -m jtr_jax.main --config=configs/taskonomy_consistency.py \
      --workdir=runs/taskonomy_consistency

Predictions for two colourings agree where a label is missing. The setting and
the arguments are those of taskonomy_jtr.py.

Published: Delta_MTL over Supervised MTL +1.567 % (onelabel), +2.254 %
(randomlabels), +2.326 % (halflabels) (Table 3).
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **published_data.TASKONOMY_ARGUMENTS)
  return published_data.taskonomy("consistency", **args)
