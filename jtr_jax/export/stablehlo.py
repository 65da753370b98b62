"""StableHLO, as `jax.export` writes it: for JAX without this package."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from jtr_jax.core import errors
from jtr_jax.export.network import Exported, Network

PLATFORMS = ("cpu", "cuda", "tpu")


def write(network: Network) -> bytes:
  """Return the program, weights included, for all platforms and batch sizes.

  Args:
    network: what is exported.

  Raises:
    ValueError: the network cannot have images of any size.
  """
  height, width = network.size or (
    f"{network.stride}*h",
    f"{network.stride}*w",
  )
  shape = export.symbolic_shape(f"b, {height}, {width}, 3")
  images = jax.ShapeDtypeStruct(shape, jnp.float32)
  try:
    exported = export.export(jax.jit(network), platforms=PLATFORMS)(images)
  except Exception as error:  # shapes that must be known raise many kinds
    if network.size is not None:
      raise
    raise ValueError(
      errors.message(
        "This network cannot be exported for images of any size",
        found=str(error).split("\n", maxsplit=1)[0][:200],
        expected="a network whose layers do not need to know the size",
        do="Name a size, such as --size=288x384.",
      )
    ) from error
  return bytes(exported.serialize())


def read(data: bytes) -> Exported:
  """Return the function that a file holds."""
  program = export.deserialize(bytearray(data))

  def predict(images: np.ndarray) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = jax.device_get(program.call(images))
    return found

  return predict
