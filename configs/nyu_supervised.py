"""Supervised MTL on NYUv2: the labels there are, and nothing else.

    python -m jtr_jax.main --config=configs/nyu_supervised.py \
      --workdir=runs/nyu_supervised
    python -m jtr_jax.main --config=configs/nyu_supervised.py:data=rooms \
      --workdir=runs/big_rooms_supervised

With one task, --config.tasks="('depth',)", this is single-task learning on the
same label split. The setting and the arguments are those of nyu_jtr.py.

With variant=official it is that of MTPSL's nyu_mtl_sl.py: 200 epochs, batch 2,
scale crops without changes of colour.

Published for randomlabels: mIoU 27.05 %, depth abs. error 0.6624 m, normals
mean angle 33.58 degrees (Table 1, quoted from MTPSL's paper, which did not
change colours); mIoU 31.87 %, depth abs. error 0.5957 m, normals mean angle
31.64 degrees with RandAugment, as here (Table 10).
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.NYU_ARGUMENTS)
  return cl.nyu("supervised", **args)
