"""JTR on the built-in rooms, sized for a laptop; nothing to download.

    python -m jtr_jax.main --config=configs/rooms_jtr.py \
      --workdir=runs/rooms_jtr
    python -m jtr_jax.main --config=configs/rooms_jtr.py:onelabel,seed=1 \
      --workdir=runs/rooms_jtr_onelabel
    python -m jtr_jax.main --workdir=runs/rooms_two_tasks \
      --config=configs/rooms_jtr.py:tasks=depth+reshading,steps=500

48x64, a narrow SegNet, batch 4, 30 epochs; the gradient of each network is
clipped, see docs/results/jtr_start.md. The first run renders 200 training and
100 validation images.

Arguments:
  scenario=randomlabels: or onelabel, halflabels, full; each also
    +unlabelled<percent>.
  tasks=segmentation+depth+normals: there are also edge_occlusion, reshading,
    keypoints2d and edge_texture.
  extended=: a directory of prepared images with depth, 4 more in every batch.
  variant=paper: official is the method as released; the schedule is this one.
  seed=0: of everything but the label split.
  epochs=0: 0 is 30.
  steps=0: updates; 0 is from the epochs.
  balancing=uniform: see docs/balancing.md.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.ROOMS_ARGUMENTS)
  return cl.rooms("jtr", **args)
