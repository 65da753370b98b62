"""Single-task learning on NYUv2: one network for each task, and a baseline.

    python -m jtr_jax.main --config=configs/nyu_stl.py --workdir=runs/nyu_stl
    python -m jtr_jax.main --config=configs/nyu_stl.py:task=depth,data=rooms \
      --workdir=runs/big_rooms_stl_depth

Trains a network for each of `tasks` in a folder of its own, and writes
baseline.json for --config.evaluate.baseline of the other configs. With task
only that one is trained. The labels are those that a task has in the label
split of all `tasks`. The other arguments and the setting are those of
nyu_jtr.py.

With variant=official it is that of MTPSL's nyu_stl_sl.py: 200 epochs, batch 2,
scale crops without changes of colour, and every network walks all images.

Published for randomlabels: mIoU 28.68 %, depth abs. error 0.7530 m, normals
mean angle 29.47 degrees (Table 11); as the teachers of MuST mIoU 24.73 %, depth
abs. error 0.7278 m, normals mean angle 29.78 degrees (Table 9).
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, task="", **cl.NYU_ARGUMENTS)
  task = args.pop("task")
  config = cl.nyu("stl", **args)
  return cl.use_single_tasks(config, task)
