"""Single-task learning on Cityscapes: one network for each task.

    python -m jtr_jax.main --config=configs/cityscapes_stl.py \
      --workdir=runs/cityscapes_stl

Writes baseline.json for --config.evaluate.baseline of the other configs; with
task=NAME only that network is trained. The setting and the other arguments are
those of cityscapes_jtr.py.

Published for onelabel: mIoU 70.32 %, inverse depth abs. error 0.0134 (Table
11).
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  defaults = published_data.of_single_tasks(published_data.CITYSCAPES_ARGUMENTS)
  args = cl.parse_arg(arg, **defaults)
  task = args.pop("task")
  config = published_data.cityscapes("stl", **args)
  return cl.use_single_tasks(config, task)
