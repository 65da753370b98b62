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

Arguments:
  raw=: DIR.
  directory=data/folder: where the prepared records are kept.
  size=0x0: height x width to resize to; 0x0 keeps the images' own.
  method=jtr: or mtpsl, cross_task_maps, supervised, consistency, stl, or your
    own, package.module:attribute.
  laptop=false: a narrow network and a short schedule for a CPU.
  tasks=: names joined by +; all that DIR has.
  scenario=found: every label there is; onelabel and others hide some.
  extended=: a directory of prepared images with depth, 4 more in every batch.
  variant=paper: official is the method as released.
  seed=0: of everything but the label split.
  epochs=0: 0 is 300, or 30 with laptop.
  steps=0: updates; 0 is from the epochs.
  balancing=uniform: see docs/balancing.md.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.FOLDER_ARGUMENTS)
  return cl.folder(**args)
