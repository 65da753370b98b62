"""Single-task learning on the built-in rooms: one task, one network.

    python -m jtr_jax.main --config=configs/rooms_stl.py:depth \
      --workdir=runs/rooms_stl_depth
    python -m jtr_jax.main --workdir=runs/rooms_stl_normals \
      --config=configs/rooms_stl.py:task=normals,scenario=onelabel

The labels are those that the task has in the label split of all `tasks`, so
that the result is a baseline for rooms_jtr.py; task is one of them. The other
arguments and the setting are those of rooms_jtr.py.
"""

from ml_collections import ConfigDict

from jtr_jax import config_lib as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, task="segmentation", **cl.ROOMS_ARGUMENTS)
  task = args.pop("task")
  config = cl.use_method(cl.rooms(**args), "stl", variant=args["variant"])
  config.tasks = (task,)
  return config
