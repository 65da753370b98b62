"""MTPSL on NYUv2 (Li et al., CVPR 2022), or on built-in rooms of its size.

    python -m jtr_jax.main --config=configs/nyu_mtpsl.py \
      --workdir=runs/nyu_mtpsl
    python -m jtr_jax.main --config=configs/nyu_mtpsl.py:data=rooms \
      --workdir=runs/big_rooms_mtpsl
    python -m jtr_jax.main --workdir=runs/nyu_mtpsl_without_regularizer \
      --config=configs/nyu_mtpsl.py --config.method.regularizer_weight=0

A mapping network, conditioned on the pair of tasks, takes predictions and
labels to a joint space of the pair; docs/mtpsl.md has its switches. Adam 1e-4,
halved every 100 epochs; for the FiLM parameters 1e-3, halved every 30 epochs.
The rest of the setting and the arguments are those of nyu_jtr.py. With
variant=official it is that of the released nyu_mtl_xtc.py: 200 epochs, batch 2,
scale crops without changes of colour.

Published for randomlabels: mIoU 35.60 %, depth abs. error 0.5576 m, normals
mean angle 29.70 degrees, Delta_MTL +19.66 % over Supervised MTL as
quoted from MTPSL's paper, +8.08 % over one trained with the same augmentation
(Table 10); without the regulariser 33.51 %, 0.5767 m, 34.00 degrees.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.NYU_ARGUMENTS)
  return cl.nyu("mtpsl", **args)
