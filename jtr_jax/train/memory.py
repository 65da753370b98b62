"""What a run needs of memory, estimated before any of it is allocated."""

from typing import Any

import jax

from jtr_jax.core import memory

_PIXEL_BYTES = 64  # of the maps of any network: 16 channels at full size


def available(device: jax.Device) -> int:
  """Return the bytes of a device's memory, of the machine's for a CPU."""
  told = (device.memory_stats() or {}).get("bytes_limit")
  return int(told) if told else memory.total()


def require_state(shapes: Any, device: jax.Device) -> None:
  """Raise a `ValueError` if parameters and optimiser cannot fit on a device.

  Args:
    shapes: the state, as `jax.ShapeDtypeStruct`.
    device: that it is to be put on.
  """
  size = lambda tree: sum(
    leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree)
  )
  gradients = size(shapes.params)
  memory.require(
    size(shapes) + gradients,
    "The network, with its gradient and optimiser,",
    do="Lower model.filters, or take a smaller network.",
    available=available(device),
  )


def require_batch(
  images: int, size: tuple[int, int], device: jax.Device, field: str
) -> None:
  """Raise a `ValueError` if the maps of a batch cannot fit on a device.

  Args:
    images: in the device's share of a batch.
    size: (H, W) of the images.
    device: one of those that share it.
    field: the setting that decides how large it is.
  """
  memory.require(
    images * size[0] * size[1] * _PIXEL_BYTES,
    f"A batch of {images} images of {size[0]}x{size[1]}",
    do=f"Lower {field}, or the size of the images.",
    available=available(device),
  )
