"""Single-task learning on Multi-CIFAR100: one network for each task.

    python -m jtr_jax.main --config=configs/cifar_stl.py \
      --workdir=runs/cifar_stl

Writes baseline.json for --config.evaluate.baseline of the other configs; with
task=NAME only that network is trained. The setting and the other arguments are
those of cifar_supervised.py.

Published (IAL, Table VII): mean accuracy over the 20 tasks 82.30 %.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  defaults = published_data.of_single_tasks(published_data.CIFAR_ARGUMENTS)
  args = cl.parse_arg(arg, **defaults)
  task = args.pop("task")
  config = published_data.cifar("stl", **args)
  return cl.use_single_tasks(config, task)
