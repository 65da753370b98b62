"""Your own images and labels, from trained features: minutes on two CPU cores.

    python -m jtr_jax.main --workdir=runs/mine \
      --config=configs/folder_pretrained.py:raw=DIR,size=96x128
    python -m jtr_jax.main --workdir=runs/mine_mtpsl \
      --config=configs/folder_pretrained.py:DIR,size=192x256,method=mtpsl

DIR is laid out as in folder_jtr.py. EfficientNet-Lite0 with the weights of
jtr_jax[pretrained], and a pyramid for each task.

Arguments:
  raw=: DIR.
  directory=data/folder: where the prepared records are kept.
  size=0x0: height x width to resize to; 0x0 keeps the images' own.
  scenario=found: every label there is; onelabel and others hide some.
  tasks=: names joined by +; all that DIR has.
  method=supervised: or jtr, mtpsl, cross_task_maps, consistency, or your own.
  variant=paper: official is the method as released.
  seed=0: of everything but the label split.
  epochs=25: passes over the images.
  steps=0: updates; 0 is from the epochs.
  balancing=uniform: see docs/balancing.md.
  weights=package: or a folder of weights, or a run's workdir; empty: random.
"""

from ml_collections import ConfigDict

from jtr_jax.config import pretrained_presets as cl
from jtr_jax.config.arguments import parse_arg


def get_config(arg: str = "") -> ConfigDict:
  args = parse_arg(arg, **cl.FOLDER_ARGUMENTS)
  return cl.folder(**args)
