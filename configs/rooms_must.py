"""MuST on the built-in rooms, sized for a laptop: teachers, then a student.

    python -m jtr_jax.main --config=configs/rooms_must.py \
      --workdir=runs/rooms_must
    python -m jtr_jax.main --workdir=runs/rooms_must_again \
      --config=configs/rooms_must.py:teachers=runs/rooms_stl

Trains a network for each task on its labelled images, lets them label what has
no label, and trains one network for all tasks on that, in the folders teachers,
pseudo_labels and student. Argument teachers: the workdir of rooms_stl.py or of
a single run, or several joined by +; their tasks are not trained again. The
other arguments and the setting are those of rooms_jtr.py.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.ROOMS_ARGUMENTS, teachers=())
  teachers = args.pop("teachers")
  config = cl.rooms("supervised", **args)
  return cl.use_teachers(config, *teachers)
