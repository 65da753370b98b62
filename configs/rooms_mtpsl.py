"""MTPSL on the built-in rooms, sized for a laptop.

    python -m jtr_jax.main --config=configs/rooms_mtpsl.py \
      --workdir=runs/rooms_mtpsl
    python -m jtr_jax.main --config=configs/rooms_mtpsl.py:onelabel \
      --workdir=runs/rooms_mtpsl_onelabel

A mapping network, conditioned on the pair of tasks, takes predictions and
labels to a joint space of the pair; docs/mtpsl.md has its switches. Learning
rates and their falls keep the published proportions to each other. The setting
and the arguments are those of rooms_jtr.py.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.ROOMS_ARGUMENTS)
  config = cl.rooms("mtpsl", **args)
  config.optimizer.film_learning_rate = 1e-2
  config.optimizer.film_decay_epochs = 5
  return config
