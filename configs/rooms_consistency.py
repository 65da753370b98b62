"""Consistency regularisation on the built-in rooms, sized for a laptop.

    python -m jtr_jax.main --config=configs/rooms_consistency.py \
      --workdir=runs/rooms_consistency

The setting and the arguments are those of rooms_jtr.py.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.ROOMS_ARGUMENTS)
  return cl.rooms("consistency", **args)
