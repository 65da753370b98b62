"""Single-task learning on PASCAL-Context: one network for each task.

    python -m jtr_jax.main --config=configs/pascal_stl.py \
      --workdir=runs/pascal_stl

Writes baseline.json for --config.evaluate.baseline of the other configs; with
task=NAME only that network is trained. The setting and the other arguments are
those of pascal_supervised.py.

Published (IAL, Table III): mIoU 66.2 %, parts 59.4 %, normals 13.9 degrees,
saliency 66.3 %, odsF 68.8 %; it trains these 60 epochs.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  defaults = published_data.of_single_tasks(published_data.PASCAL_ARGUMENTS)
  args = cl.parse_arg(arg, **defaults)
  task = args.pop("task")
  config = published_data.pascal("stl", **args)
  return cl.use_single_tasks(config, task)
