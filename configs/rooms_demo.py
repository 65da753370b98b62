"""A short run on small built-in rooms: what `make demo` does.

    python -m jtr_jax.main --config=configs/rooms_demo.py --workdir=runs/demo

48x64, 128 training images; arguments as rooms_jtr.py.
"""

from ml_collections import ConfigDict

from jtr_jax import config_lib as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.ROOMS_ARGUMENTS)
  config = cl.use_method(cl.rooms(**args), "jtr", variant=args["variant"])
  config.data.directory = "data/rooms_demo"
  config.data.size = (48, 64)  # pixels
  config.data.train_count = 128  # images
  config.data.val_count = 32  # images
  config.model.filters = (8, 16, 32, 64, 64)
  config.train.epochs = args["epochs"] or 20
  config.optimizer.learning_rate = 2e-3
  config.evaluate.every_epochs = 10
  config.checkpoint.every_epochs = 10
  return config
