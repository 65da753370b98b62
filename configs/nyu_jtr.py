"""JTR on NYUv2 (Nishi et al., CVPR 2024), or on built-in rooms of its size.

    python -m jtr_jax.main --config=configs/nyu_jtr.py --workdir=runs/nyu_jtr
    python -m jtr_jax.main --config=configs/nyu_jtr.py:onelabel,seed=1 \
      --workdir=runs/nyu_jtr_onelabel
    python -m jtr_jax.main --config=configs/nyu_jtr.py:data=rooms \
      --config.train.dtype=bfloat16 --workdir=runs/big_rooms_jtr

SegNet, 288x384, batch 4, Adam 1e-4, halved every 100 epochs, 300 epochs: what
the paper states, and where it refers to the code of MTPSL, what that does;
docs/jtr.md has the sources. Label splits are drawn by seed; for the released
one, which belongs to the files published with MTAN, add
--config.data.split_file=FILE.pth.

Arguments:
  scenario=randomlabels: or onelabel, halflabels, full; each also
    +unlabelled<percent>, beside a split file too.
  tasks=segmentation+depth+normals: some of them, joined by +.
  extended=: a directory of prepared images with depth, 4 more in every batch.
  variant=paper: official is the released program, here 400 epochs, the learning
    rate halved every 200.
  seed=0: of everything but the label split.
  epochs=0: 0 is what the variant says.
  steps=0: updates; 0 is from the epochs.
  balancing=uniform: see docs/balancing.md.
  data=nyuv2: rooms are as many built-in images of the same size.
  setting=segnet: another network of the papers and its training, such as
    jtr_resnet50, ial or amtl: see docs/networks.md.

Published for randomlabels: mIoU 37.08 %, depth abs. error 0.5541 m, normals
mean angle 29.44 degrees, Delta_MTL +21.92 % over Supervised MTL as quoted from
MTPSL's paper, +10.09 % over one trained with the same augmentation (Table 10).
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.NYU_ARGUMENTS)
  return cl.nyu("jtr", **args)
