"""Consistency regularisation on NYUv2: two colourings of an image agree.

    python -m jtr_jax.main --config=configs/nyu_consistency.py \
      --workdir=runs/nyu_consistency
    python -m jtr_jax.main --config=configs/nyu_consistency.py:data=rooms \
      --workdir=runs/big_rooms_consistency

The setting and the arguments are those of nyu_jtr.py.

With variant=official it is that of MTPSL's programs, whose paper the published
numbers come from: 200 epochs, batch 2; colours change all the same.

Published for randomlabels: mIoU 29.50 %, depth abs. error 0.6224 m, normals
mean angle 33.31 degrees, Delta_MTL +5.30 % over Supervised MTL.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.NYU_ARGUMENTS)
  return cl.nyu("consistency", **args)
