"""JTR, or a baseline, on your own images and labels.

    python -m jtr_jax.main --config=configs/folder_jtr.py:raw=DIR \
      --workdir=runs/mine
    python -m jtr_jax.main --workdir=runs/mine_supervised \
      --config=configs/folder_jtr.py:DIR,method=supervised,size=192x256,laptop

DIR holds {train,val}/{image,<task>}/<id>.{png,jpg,npy,tif} and tasks.toml, a
few lines on each task; `python -m jtr_jax.data inspect DIR` writes them for
you. A missing label file means that the image has no label for this task. The
first run keeps what it read in data/folder; give every folder its own
`directory`.

Arguments: raw (DIR), directory (data/folder), size (HxW to resize to), method
(jtr, mtpsl, cross_task_maps, supervised, consistency), laptop (a narrow network
for a CPU), tasks (all; or names joined by +), scenario (found: every label
there is; onelabel, ... hide some), variant (paper, official), seed, epochs,
steps.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.FOLDER_ARGUMENTS)
  return cl.folder(**args)
