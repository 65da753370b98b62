"""Recordings of kind "augment": scale crops and colour operations.

The recording framework keeps channels first. Its void class id is -1, its
invalid depth 0 and its invalid normal the zero vector.
"""

import re
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors
from jtr_jax.core.types import Label
from jtr_jax.data.augment import colour, geometry
from jtr_jax.tasks.base import Geometry
from jtr_jax.verify.comparison import Quantity, Recording, unusable

CROP_TOLERANCE = 1e-4
"""Recorded positions are rounded to float32: up to 2e-5 at 288x384."""

PICK_TOLERANCE = 5e-7
"""Nearest neighbours and one division: a few roundings of float32."""

COLOUR_TOLERANCE = 1e-5
"""Some roundings of float32 and, for the contrast, of the mean of an image.

Posterize, solarize and equalize agree in every pixel: 8-bit levels are floors
of one float32 product, the same on every device, and a level is 4e-3.
"""

_CROP = re.compile(r"crop(\d+)/.+")
_OPERATION = re.compile(r"op/([^/]+)/(-?[0-9.]+)")
_LOW_CONTRAST = "_low"
_SIGNED = tuple(
  name for name, operation in colour.OPERATIONS.items() if operation.signed
)
_ON_LOW_CONTRAST = ("autocontrast", "equalize")


def recompute(recording: Recording) -> Iterator[Quantity]:
  """Yield the results of every recorded crop and colour operation.

  Crops follow the released code: normals interpolated, not renormalised.

  Args:
    recording: arrays as described in the golden files' layout.

  Returns:
    The quantities, one at a time.

  Raises:
    RecordError: a crop or an operation is missing or of an unknown name.
  """
  yield from _crops(recording)
  yield from _colours(recording)


def _crops(recording: Recording) -> Iterator[Quantity]:
  found = {int(m[1]) for name in recording if (m := _CROP.match(name))}
  crop = jax.jit(_crop)
  inputs = _inputs(recording)
  for number in range(max(found, default=0) + 1):
    prefix = f"crop{number}"
    for name, actual in crop(*inputs, _box(recording, prefix)).items():
      yield Quantity(
        f"{prefix}/{name}",
        recording[f"{prefix}/{name}"],
        np.asarray(actual),
        CROP_TOLERANCE if name in ("image", "normal") else PICK_TOLERANCE,
      )


def _inputs(recording: Recording) -> tuple[jax.Array, dict[str, Label]]:
  image = _pixels(recording, "image", 3)
  seg = _pixels(recording, "seg", None).astype(jnp.int32)
  depth = _pixels(recording, "depth", 1)
  normal = _pixels(recording, "normal", 3)
  present = jnp.asarray(True)
  return image, {
    "seg": Label(seg, seg >= 0, present),
    "depth": Label(depth, depth[..., 0] != 0, present),
    "normal": Label(normal, jnp.any(normal != 0, axis=-1), present),
  }


def _pixels(recording: Recording, name: str, channels: int | None) -> jax.Array:
  """Return a recorded input, channels last, of the size of the image."""
  size = recording["image"].shape[-2:]
  expected = size if channels is None else (channels, *size)
  values = recording[name]
  if values.shape != expected or len(size) != 2:
    raise unusable(name, found=values.shape, expected=expected)
  pixels = jnp.asarray(values, jnp.float32)
  return pixels if channels is None else jnp.moveaxis(pixels, 0, -1)


def _crop(
  image: jax.Array, labels: dict[str, Label], box: geometry.Box
) -> dict[str, jax.Array]:
  seg = geometry.crop_label(labels["seg"], box, Geometry.CATEGORICAL)
  depth = geometry.crop_label(labels["depth"], box, Geometry.DEPTH)
  normal = geometry.crop_label(
    labels["normal"], box, Geometry.NORMALS, normal_resize="official"
  )
  return {
    "image": jnp.moveaxis(geometry.crop_resize(image, box), -1, 0),
    "seg": jnp.where(seg.valid, seg.value, -1),
    "depth": jnp.moveaxis(depth.value, -1, 0),
    "normal": jnp.moveaxis(normal.value, -1, 0),
  }


def _box(recording: Recording, prefix: str) -> geometry.Box:
  name = f"{prefix}/params_scale_h_w_top_left"
  parameters = recording[name]
  if parameters.shape != (5,):
    raise unusable(name, found=parameters.shape, expected=(5,))
  zoom, *window = (float(number) for number in parameters)
  height, width, top, left = (jnp.int32(round(number)) for number in window)
  return geometry.Box(top, left, height, width, jnp.float32(zoom))


def _colours(recording: Recording) -> Iterator[Quantity]:
  apply = jax.jit(colour.apply)
  names = list(colour.OPERATIONS)
  for operation, magnitude in _operations(recording):
    name = f"op/{operation}/{magnitude}"
    expected = recording[name]
    low = operation.endswith(_LOW_CONTRAST)
    image = _pixels(recording, "image_low_contrast" if low else "image", 3)
    index = names.index(operation.removesuffix(_LOW_CONTRAST))
    actual = apply(image, jnp.int32(index), jnp.float32(magnitude))
    actual = np.moveaxis(np.asarray(actual), -1, 0)
    yield Quantity(name, expected, actual, COLOUR_TOLERANCE, floor=1)


def _operations(recording: Recording) -> list[tuple[str, str]]:
  """Return (operation, magnitude) of every array that should be there."""
  magnitudes: dict[str, set[str]] = {
    name: set() for name in colour.OPERATIONS if name != "identity"
  }
  magnitudes |= {name + _LOW_CONTRAST: set() for name in _ON_LOW_CONTRAST}
  for name in recording:
    if match := _OPERATION.fullmatch(name):
      operation, magnitude = match.groups()
      if operation not in magnitudes:
        raise errors.unknown_name("colour operation", operation, magnitudes)
      magnitudes[operation].add(magnitude)
  # The signed operations are recorded at common magnitudes of either sign.
  signed = set().union(*(magnitudes[name] for name in _SIGNED))
  signed |= {_negative(magnitude) for magnitude in signed}
  magnitudes |= dict.fromkeys(_SIGNED, signed)
  return [
    (operation, magnitude)
    for operation, recorded in magnitudes.items()
    for magnitude in sorted(recorded) or ["<magnitude>"]
  ]


def _negative(magnitude: str) -> str:
  return magnitude[1:] if magnitude.startswith("-") else f"-{magnitude}"
