"""Photometric RandAugment on the device.

Images are f32 in [0, 1]; every operation has torchvision's meaning. Posterize,
solarize and equalize are defined on 8-bit values: an image is brought to its
levels floor(255 x) and back to levels / 255.

Only the drawn operation of an image is computed: a loop over images around one
`lax.switch`. A `vmap` over the switch would compute all nine for every image.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

BINS = 31
"""Number of strengths in RandAugment."""

_LUMA = (0.2989, 0.587, 0.114)


class Operation(NamedTuple):
  """A colour operation and its strengths.

  Attributes:
    apply: (image f32[H, W, 3], magnitude f32[]) -> f32[H, W, 3].
    magnitudes: `BINS` magnitudes, weakest first.
    signed: whether the magnitude gets a random sign.
  """

  apply: Callable[[jax.Array, jax.Array], jax.Array]
  magnitudes: np.ndarray
  signed: bool


def identity(image: jax.Array, magnitude: jax.Array) -> jax.Array:
  """Return the image."""
  del magnitude
  return image


def brightness(image: jax.Array, magnitude: jax.Array) -> jax.Array:
  """Return the image times 1 + magnitude."""
  return _blend(image, jnp.zeros_like(image), magnitude)


def color(image: jax.Array, magnitude: jax.Array) -> jax.Array:
  """Return the image with its distance from grey times 1 + magnitude."""
  return _blend(image, _grey(image), magnitude)


def contrast(image: jax.Array, magnitude: jax.Array) -> jax.Array:
  """Return the image with its distance from its mean grey times 1 + m."""
  mean = jnp.mean(image, axis=(0, 1), keepdims=True)
  return _blend(image, _grey(mean), magnitude)


def sharpness(image: jax.Array, magnitude: jax.Array) -> jax.Array:
  """Return the image with its distance from a blurred one times 1 + m.

  The blur is a 3x3 mean with weight 5/13 in the middle and 1/13 elsewhere; the
  outermost pixels are not blurred.
  """
  lines = image[:-2] + image[1:-1] + image[2:]
  square = lines[:, :-2] + lines[:, 1:-1] + lines[:, 2:]
  blurred = (square + 4 * image[1:-1, 1:-1]) / 13
  inner = jax.lax.dynamic_update_slice(image, blurred, (1, 1, 0))
  return _blend(image, inner, magnitude)


def posterize(image: jax.Array, magnitude: jax.Array) -> jax.Array:
  """Return the image with the `magnitude` highest of its 8 bits."""
  dropped = 8 - magnitude.astype(jnp.int32)
  levels = _to_levels(image)
  return _from_levels((levels >> dropped) << dropped)


def solarize(image: jax.Array, magnitude: jax.Array) -> jax.Array:
  """Return the image with every level >= magnitude (0-255) inverted."""
  levels = _to_levels(image)
  return _from_levels(jnp.where(levels >= magnitude, 255 - levels, levels))


def autocontrast(image: jax.Array, magnitude: jax.Array) -> jax.Array:
  """Return the image with each channel stretched to [0, 1].

  A constant channel is unchanged.
  """
  del magnitude
  low = jnp.min(image, axis=(0, 1))
  span = jnp.max(image, axis=(0, 1)) - low
  flat = span == 0
  stretched = (image - low) * (1 / jnp.where(flat, 1, span))
  return jnp.where(flat, image, jnp.clip(stretched, 0, 1))


def equalize(image: jax.Array, magnitude: jax.Array) -> jax.Array:
  """Return the image with the histogram of each channel's levels flattened.

  With n(v) pixels of level v, N(v) darker than v, and s = (pixels - n(brightest
  level)) // 255: level v becomes (N(v) + s // 2) // s. A channel with s = 0
  is unchanged.
  """
  del magnitude
  levels = _to_levels(image)
  channels = levels.shape[-1]
  offset = 256 * jnp.arange(channels, dtype=jnp.int32)
  counts = jnp.zeros(256 * channels, jnp.int32).at[levels + offset].add(1)
  brightest = jnp.max(levels, axis=(0, 1))
  tables = jax.vmap(_equalizing_table)(counts.reshape(channels, 256), brightest)
  return _from_levels(tables.reshape(-1)[levels + offset])


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
  {
    "identity": Operation(identity, np.zeros(BINS), False),
    "brightness": Operation(brightness, np.linspace(0, 0.9, BINS), True),
    "color": Operation(color, np.linspace(0, 0.9, BINS), True),
    "contrast": Operation(contrast, np.linspace(0, 0.9, BINS), True),
    "sharpness": Operation(sharpness, np.linspace(0, 0.9, BINS), True),
    "posterize": Operation(
      posterize, 8 - np.round(np.arange(BINS) / ((BINS - 1) / 4)), False
    ),
    "solarize": Operation(solarize, np.linspace(255, 0, BINS), False),
    "autocontrast": Operation(autocontrast, np.zeros(BINS), False),
    "equalize": Operation(equalize, np.zeros(BINS), False),
  }
)
"""The photometric operations of torchvision's RandAugment, with its tables."""


def apply(
  image: jax.Array, operation: jax.Array, magnitude: jax.Array
) -> jax.Array:
  """Return one image after one operation, computing only that one.

  Args:
    image: f32[H, W, 3] in [0, 1].
    operation: i32[], index into `OPERATIONS`.
    magnitude: f32[], in the operation's own unit.

  Returns:
    f32[H, W, 3] in [0, 1].
  """
  branches = [operation.apply for operation in OPERATIONS.values()]
  return jax.lax.switch(operation, branches, image, magnitude)


def draw(
  key: jax.Array, *, count: int, bins: Sequence[int]
) -> tuple[jax.Array, jax.Array]:
  """Draw operations and magnitudes for one image.

  Args:
    key: a random key.
    count: operations in a row.
    bins: which of the `BINS` strengths occur, drawn uniformly.

  Returns:
    (operations i32[count], magnitudes f32[count]).
  """
  # The places in the tables are whole parts of n u, drawn at once: integer
  # draws take several times as long to compile.
  which, strength, sign = jax.random.uniform(key, (3, count), jnp.float32)
  operations = OPERATIONS.values()
  strengths = np.stack([operation.magnitudes for operation in operations])
  table = jnp.asarray(strengths[:, list(bins)], jnp.float32)
  signed = jnp.asarray([operation.signed for operation in operations])
  index = (len(OPERATIONS) * which).astype(jnp.int32)
  magnitude = table[index, (len(bins) * strength).astype(jnp.int32)]
  negative = signed[index] & (sign < 0.5)
  return index, jnp.where(negative, -magnitude, magnitude)


def rand_augment(
  images: jax.Array, keys: jax.Array, *, count: int, bins: Sequence[int]
) -> jax.Array:
  """Return images after randomly drawn colour operations.

  Images are taken one after another: under a sharded batch call this inside
  `jax.shard_map`, so that each device walks through its own images only.

  Args:
    images: f32[N, H, W, 3] in [0, 1].
    keys: key[N], one for each image.
    count: operations in a row; 2 in the released code.
    bins: strengths that occur; 0 to 5 of 31 in the released code.

  Returns:
    f32[N, H, W, 3] in [0, 1]; an image depends on its own key only.

  Source: Cubuk et al., RandAugment, CVPRW 2020; the photometric subset that
    the released loaders of Nishi et al., CVPR 2024, use.
  """

  def step(
    image: jax.Array, drawn: tuple[jax.Array, jax.Array]
  ) -> tuple[jax.Array, None]:
    return apply(image, *drawn), None

  drawn = jax.vmap(lambda key: draw(key, count=count, bins=bins))(keys)
  return jax.lax.map(
    lambda image_and_drawn: jax.lax.scan(step, *image_and_drawn)[0],
    (images, drawn),
  )


def _blend(
  image: jax.Array, other: jax.Array, magnitude: jax.Array
) -> jax.Array:
  factor = 1 + magnitude
  return jnp.clip(factor * image + (1 - factor) * other, 0, 1)


def _grey(image: jax.Array) -> jax.Array:
  red, green, blue = (image[..., c : c + 1] for c in range(3))
  return _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue


def _to_levels(image: jax.Array) -> jax.Array:
  return (image * 255).astype(jnp.int32)


def _from_levels(levels: jax.Array) -> jax.Array:
  return levels.astype(jnp.float32) / 255


def _equalizing_table(counts: jax.Array, brightest: jax.Array) -> jax.Array:
  """Return i32[256]: the new level of each level of one channel."""
  step = (jnp.sum(counts) - counts[brightest]) // 255
  darker = jnp.cumsum(counts) - counts
  table = (darker + step // 2) // jnp.maximum(step, 1)
  return jnp.where(step == 0, jnp.arange(256), jnp.clip(table, 0, 255))
