"""JTR on the built-in rooms, sized for a laptop; nothing to download.

    python -m jtr_jax.main --config=configs/rooms_jtr.py \
      --workdir=runs/rooms_jtr
    python -m jtr_jax.main --config=configs/rooms_jtr.py:onelabel,seed=1 \
      --workdir=runs/rooms_jtr_onelabel
    python -m jtr_jax.main --workdir=runs/rooms_two_tasks \
      --config=configs/rooms_jtr.py:tasks=depth+reshading,steps=500

48x64, a narrow SegNet, batch 4, 30 epochs; the gradient of each network is
clipped, see docs/results/jtr_start.md. The first run draws 200 training and 100
validation images.

Arguments: scenario (randomlabels; onelabel, halflabels, full, each also with
+unlabelled<percent>), extended (a directory of prepared images with depth, 4
more in every batch), tasks (segmentation+depth+normals; there are also
edge_occlusion, reshading, keypoints2d and edge_texture), variant (paper,
official), seed, epochs, steps, balancing (uniform; docs/balancing.md).
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.ROOMS_ARGUMENTS)
  return cl.rooms("jtr", **args)
