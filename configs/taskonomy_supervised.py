"""Supervised MTL on Taskonomy: the labels there are, and nothing else.

    python -m jtr_jax.main --config=configs/taskonomy_supervised.py \
      --workdir=runs/taskonomy_supervised

The setting and the arguments are those of taskonomy_jtr.py.

Published: it is what the gains of the others are relative to (Table 3).
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **published_data.TASKONOMY_ARGUMENTS)
  return published_data.taskonomy("supervised", **args)
