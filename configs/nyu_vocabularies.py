"""Two data sets that name different classes, against all labels, on NYUv2.

    python -m jtr_jax.main --config=configs/nyu_vocabularies.py \
      --workdir=runs/both
    python -m jtr_jax.main --workdir=runs/furniture \
      --config=configs/nyu_vocabularies.py:train=furniture
    python -m jtr_jax.main --workdir=runs/rooms_both \
      --config=configs/nyu_vocabularies.py:data=rooms,laptop

One half of the training images labels what stands in a room (9 of the 13
classes), the other what the room is made of (4), and each calls everything else
background: configs/vocabularies/nyu_halves.toml. All networks have the 13
classes and are evaluated on the whole labels of the validation images.
docs/vocabularies.md explains it.

Arguments:
  train=both: or furniture, structure: one half alone; full: all labels of all
    images. Every network makes the same number of updates.
  background=set: it is one of the classes that its half does not name; ignored:
    it counts nowhere.
  data=nyuv2: or rooms, built-in images with the same classes.
  directory=: prepared records, elsewhere than in data/.
  size=0x0: height x width to prepare rooms at; 0x0: 288x384, or 48x64 with
    laptop.
  laptop=false: a narrow network and a short schedule for a CPU.
  tasks=segmentation+depth: some tasks of the data, joined by +.
  method=supervised: or jtr, mtpsl, consistency, cross_task_maps.
  seed=0: of everything, which image is in which half included.
  epochs=0: of the images of all halves; 0: 300, or 30 with laptop.
  balancing=uniform: see docs/balancing.md.
"""

from ml_collections import ConfigDict

from jtr_jax.config import class_halves
from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **class_halves.ARGUMENTS)
  return class_halves.class_halves(**args)
