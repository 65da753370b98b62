"""NYUv2 from trained features: all labels, three tasks, on two CPU cores.

    python -m jtr_jax.data prepare nyuv2 --raw=nyuv2_files \
      --out=data/nyuv2_96x128 --size=96x128
    python -m jtr_jax.main --config=configs/nyu_pretrained.py \
      --workdir=runs/nyu_pretrained
    python -m jtr_jax.main --config=configs/nyu_pretrained.py:epochs=150 \
      --workdir=runs/nyu_pretrained_long
    python -m jtr_jax.main --workdir=runs/nyu_pretrained_mtpsl \
      --config=configs/nyu_pretrained.py:randomlabels,method=mtpsl

EfficientNet-Lite0 with the weights of jtr_jax[pretrained], and a pyramid for
each task.

Arguments:
  scenario=full: every label; randomlabels, onelabel and others hide some.
  tasks=segmentation+depth+normals: names joined by +.
  method=supervised: or jtr, mtpsl, cross_task_maps, consistency, or your own.
  variant=paper: official is the method as released.
  seed=0: of everything but the label split.
  epochs=25: passes over the images.
  steps=0: updates; 0 is from the epochs.
  balancing=uniform: see docs/balancing.md.
  weights=package: or a folder of weights, or a run's workdir; empty: random.
  data=nyuv2: or rooms of NYUv2's number.
  directory=data/nyuv2_96x128: of the prepared records.
"""

from ml_collections import ConfigDict

from jtr_jax.config import pretrained_presets as cl
from jtr_jax.config.arguments import parse_arg


def get_config(arg: str = "") -> ConfigDict:
  args = parse_arg(arg, **cl.NYU_ARGUMENTS)
  return cl.nyu(**args)
