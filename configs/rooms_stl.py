"""Single-task learning on the built-in rooms: one network for each task.

    python -m jtr_jax.main --config=configs/rooms_stl.py \
      --workdir=runs/rooms_stl
    python -m jtr_jax.main --config=configs/rooms_stl.py:depth \
      --workdir=runs/rooms_stl_depth
    python -m jtr_jax.main --workdir=runs/rooms_stl_normals \
      --config=configs/rooms_stl.py:task=normals,scenario=onelabel

Trains a network for each of `tasks` in a folder of its own, and writes
baseline.json: with --config.evaluate.baseline=runs/rooms_stl/baseline.json the
other configs measure Delta_MTL against it. With task only that one is trained.
The labels are those that a task has in the label split of all `tasks`. The
other arguments and the setting are those of rooms_jtr.py.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, task="", **cl.ROOMS_ARGUMENTS)
  task = args.pop("task")
  config = cl.rooms("stl", **args)
  return cl.use_single_tasks(config, task)
