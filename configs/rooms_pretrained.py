"""Built-in rooms from trained features: three tasks, minutes on two CPU cores.

    python -m jtr_jax.main --config=configs/rooms_pretrained.py \
      --workdir=runs/rooms_pretrained
    python -m jtr_jax.main --workdir=runs/rooms_pretrained_jtr \
      --config=configs/rooms_pretrained.py:onelabel,method=jtr

200 rooms of 96x128; the network, its training and the arguments are those of
nyu_pretrained.py, but for `data` and `directory`.
"""

from ml_collections import ConfigDict

from jtr_jax.config import pretrained_presets as cl
from jtr_jax.config.arguments import parse_arg


def get_config(arg: str = "") -> ConfigDict:
  args = parse_arg(arg, **cl.ROOMS_ARGUMENTS)
  return cl.rooms(**args)
