"""A short run on small built-in rooms: what `make demo` does.

    python -m jtr_jax.main --config=configs/rooms_demo.py --workdir=runs/demo

The setting of rooms_jtr.py, and its arguments, on fewer images and for fewer
steps.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.ROOMS_ARGUMENTS)
  config = cl.rooms("jtr", **args)
  config.data.directory = "data/rooms_demo"
  config.data.train_count = 128  # images
  config.data.val_count = 32  # images
  config.train.epochs = args["epochs"] or 12
  config.evaluate.every_epochs = 4
  config.checkpoint.every_epochs = 6
  return config
