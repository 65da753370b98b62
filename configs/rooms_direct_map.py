"""Direct cross-task maps on the built-in rooms, sized for a laptop.

    python -m jtr_jax.main --config=configs/rooms_direct_map.py \
      --workdir=runs/rooms_direct_map
    python -m jtr_jax.main --config=configs/rooms_direct_map.py:onelabel \
      --workdir=runs/rooms_direct_map_onelabel

For each of the K (K - 1) pairs of tasks a SegNet half as wide as the network
estimates a task from the prediction for another one; see nyu_direct_map.py. The
setting and the arguments are those of rooms_jtr.py.
"""

from ml_collections import ConfigDict

from jtr_jax.config import presets as cl


def get_config(arg: str = "") -> ConfigDict:
  args = cl.parse_arg(arg, **cl.ROOMS_ARGUMENTS)
  config = cl.rooms("cross_task_maps", **args)
  config.method.update(space="output", **cl.LAPTOP_MAPPINGS)
  return config
