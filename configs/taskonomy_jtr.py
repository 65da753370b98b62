"""JTR on Taskonomy, as published at CVPR 2024: seven tasks.

    python -m jtr_jax.main --config=configs/taskonomy_jtr.py \
      --workdir=runs/taskonomy_jtr

SegNet, 256x256, batch 8, 20 epochs, the Tiny split; the learning rate is that
of NYUv2. The data are one prepared directory for each building, read as one
(docs/datasets.md).

Arguments:
  scenario=onelabel: or randomlabels, halflabels, full.
  tasks=: some of the seven, joined by +; all of them unless given.
  variant=paper: official is the released program for NYUv2, with batch and
    epochs of the paper.
  seed=0: of everything but the label split.
  epochs=0: 0 is 20.
  steps=0: updates; 0 is from the epochs.
  balancing=uniform: see docs/balancing.md.

Published: Delta_MTL over Supervised MTL +3.512 % (onelabel), +4.095 %
(randomlabels), +5.075 % (halflabels); no metrics of single tasks (Table 3).
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **published_data.TASKONOMY_ARGUMENTS)
  return published_data.taskonomy("jtr", **args)
