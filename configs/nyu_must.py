"""MuST on NYUv2: single-task teachers, then a student of all tasks.

    python -m jtr_jax.main --config=configs/nyu_must.py --workdir=runs/nyu_must
    python -m jtr_jax.main --workdir=runs/nyu_must_again \
      --config=configs/nyu_must.py:teachers=runs/nyu_stl
    python -m jtr_jax.main --config=configs/nyu_must.py:data=rooms \
      --workdir=runs/big_rooms_must

Argument teachers as in rooms_must.py: workdirs of finished teachers. The other
arguments and the setting are those of nyu_jtr.py.

With variant=official it is that of MTPSL's programs, whose paper the published
numbers come from: 200 epochs, batch 2, scale crops without changes of colour.

Published for randomlabels: teachers mIoU 24.73 %, depth abs. error 0.7278 m,
normals mean angle 29.78 degrees, Delta_MTL -2.38 % over Supervised MTL; student
30.80 %, 0.6185 m, 31.82 degrees, +8.58 %.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.NYU_ARGUMENTS, teachers=())
  teachers = args.pop("teachers")
  config = cl.nyu("supervised", **args)
  return cl.use_teachers(config, *teachers)
