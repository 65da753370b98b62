"""NYUv2 with 40 classes at 480x640 (NYUD_MT), as in AMTL.

    python -m jtr_jax.main --config=configs/nyud_supervised.py \
      --workdir=runs/nyud_supervised
    python -m jtr_jax.main --workdir=runs/nyud_amtl \
      --config=configs/nyud_supervised.py:balancing=amtl

Dilated ResNet-50 and DeepLabV3, batch 8, 100 epochs, Adam 1e-4 with a cosine
schedule. The paper searches the learning rate for each row from 8e-4 down; its
network begins with ImageNet weights.

Arguments:
  scenario=full: or onelabel, randomlabels, which hide labels.
  method=supervised: or consistency, jtr, mtpsl.
  seed=0: of everything but the label split.
  epochs=0: 0 is 100.
  steps=0: updates; 0 is from the epochs.
  balancing=uniform: see docs/balancing.md.
  tasks=segmentation+depth+normals: some of them, or edges too, joined by +.

Published: the main table's numbers are not in the supplement, the only source
there is of it (jtr_jax/tables/published/amtl_table_1.toml).
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **published_data.NYUD_ARGUMENTS)
  return published_data.nyud(**args)
