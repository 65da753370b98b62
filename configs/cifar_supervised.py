"""20 tasks of Multi-CIFAR100, as in IAL.

    python -m jtr_jax.main --config=configs/cifar_supervised.py \
      --workdir=runs/cifar_supervised
    python -m jtr_jax.main --workdir=runs/cifar_ial \
      --config=configs/cifar_supervised.py:balancing=ial

VGG-16 and a linear layer for each task; an image has a label of one task. IAL
states neither optimiser nor schedule: SGD at 0.1, 200 epochs and a cosine
schedule are those of Auto-lambda's code.

Arguments:
  scenario=full: or onelabel, randomlabels, which hide labels.
  method=supervised: or consistency.
  seed=0: of everything but the label split.
  epochs=0: 0 is 200.
  steps=0: updates; 0 is from the epochs.
  balancing=uniform: see docs/balancing.md.
  tasks=: some domains, joined by +; all 20 unless given.

Published (IAL, Table VII), mean accuracy over the 20 tasks: single-task
networks 82.30 %, uniform weights 81.45 %, IAL's balancing 86.87 %.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl
from jtr_jax.config import published_data


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **published_data.CIFAR_ARGUMENTS)
  return published_data.cifar(**args)
