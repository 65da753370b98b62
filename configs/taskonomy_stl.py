"""Single-task learning on Taskonomy: one network for each task.

    python -m jtr_jax.main --config=configs/taskonomy_stl.py \
      --workdir=runs/taskonomy_stl

Writes baseline.json for --config.evaluate.baseline of the other configs; with
task=NAME only that network is trained. The setting and the other arguments are
those of taskonomy_jtr.py.

Published: Delta_MTL of JTR over it +5.482 % (onelabel), +3.919 %
(randomlabels), +2.785 % (halflabels) (Table 13).
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  defaults = published_data.of_single_tasks(published_data.TASKONOMY_ARGUMENTS)
  args = cl.parse_arg(arg, **defaults)
  task = args.pop("task")
  config = published_data.taskonomy("stl", **args)
  return cl.use_single_tasks(config, task)
