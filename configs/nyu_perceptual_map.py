"""Perceptual cross-task maps on NYUv2, or on built-in rooms of its size.

    python -m jtr_jax.main --config=configs/nyu_perceptual_map.py \
      --workdir=runs/nyu_perceptual_map
    python -m jtr_jax.main --config=configs/nyu_perceptual_map.py:data=rooms \
      --workdir=runs/big_rooms_perceptual_map

For each of the K (K - 1) pairs of tasks a SegNet estimates a task from the
prediction for another one; the estimate is compared with the label in the
feature space of the mapping that reads that task. An approximation: the papers
that have it as a baseline state no formula, see docs/mtpsl.md. The setting and
the arguments are those of nyu_jtr.py.

With variant=official it is that of MTPSL's programs, whose paper the published
numbers come from: 200 epochs, batch 2, scale crops without changes of colour.

Published for randomlabels: mIoU 32.20 %, depth abs. error 0.6037 m, normals
mean angle 32.07 degrees, Delta_MTL +10.80 % over Supervised MTL.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.NYU_ARGUMENTS)
  config = cl.nyu("cross_task_maps", **args)
  config.method.space = "features"
  return config
