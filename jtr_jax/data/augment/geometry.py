"""Scale crops and mirrors of one image and of its labels, inside jit.

A crop takes a window out of an image and resizes it back to the image's own
size. Every label follows its `Geometry`: class ids and depths are picked, dense
values are interpolated, and depth, inverse depth and normals change with the
view. All functions take one image; use `jax.vmap` for a batch.

What interpolation reads is one gather per corner: exact, fused into one pass,
and several times faster on a CPU than products with interpolation matrices.
"""

import dataclasses
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.core import numerics
from jtr_jax.core.types import Label
from jtr_jax.tasks.base import Geometry

NormalResize: TypeAlias = Literal["renormalise", "official"]
"""How normals are resized; see `crop_label`."""

InverseDepthScale: TypeAlias = Literal["multiply", "official"]
"""How inverse depth follows a zoom; see `crop_label`."""


class Box(NamedTuple):
  """A window inside an image that will be resized to the image's size.

  Attributes:
    top: i32[], first row.
    left: i32[], first column.
    height: i32[], rows, at least 1; top + height <= H.
    width: i32[], columns, at least 1; left + width <= W.
    zoom: f32[], nominal magnification, by which depths are divided.
  """

  top: jax.Array
  left: jax.Array
  height: jax.Array
  width: jax.Array
  zoom: jax.Array


class _Axis(NamedTuple):
  """Where every output row (or column) reads: two places and a weight."""

  lower: jax.Array
  upper: jax.Array
  weight: jax.Array


def draw_box(
  key: jax.Array, height: int, width: int, scales: Sequence[float]
) -> Box:
  """Draw the window of a random scale crop.

  Args:
    key: a random key.
    height: H, rows of the image.
    width: W, columns of the image.
    scales: magnifications, each at least 1, drawn uniformly.

  Returns:
    A `Box` of int(H / scale) x int(W / scale), uniformly placed.

  Source: Nishi et al., CVPR 2024, `RandomScaleCrop` of the released loaders,
    with scales (1, 1.2, 1.5); the same in MTAN and MTPSL.
  """
  # Whole numbers below n are the whole parts of n u, each as probable as the
  # others within 2^-23: integer draws take several times as long to compile.
  u = jax.random.uniform(key, (3,), jnp.float32)
  index = _below(len(scales), u[0])
  rows = jnp.asarray([int(height / scale) for scale in scales], jnp.int32)
  columns = jnp.asarray([int(width / scale) for scale in scales], jnp.int32)
  h, w = rows[index], columns[index]
  return Box(
    top=_below(height - h + 1, u[1]),
    left=_below(width - w + 1, u[2]),
    height=h,
    width=w,
    zoom=jnp.asarray(scales, jnp.float32)[index],
  )


def crop_resize(values: jax.Array, box: Box) -> jax.Array:
  """Return a window resized to the full size, bilinear with aligned corners.

  Output row i reads the window at row i (h - 1) / (H - 1), so the corners of
  the window become the corners of the result.

  Args:
    values: f32[H, W, C].
    box: the window.

  Returns:
    f32[H, W, C].

  Source: `F.interpolate(..., mode="bilinear", align_corners=True)` in the
    released `RandomScaleCrop`.
  Deviations: places and weights come from integer arithmetic and are exact;
    PyTorch rounds them to float32, which moves a value by up to about 2e-5 of
    its range.
  """
  rows, columns = _axes(values.shape, box)
  down = rows.weight[:, None, None]
  right = columns.weight[:, None]
  above = _mix(
    _gather(values, rows.lower, columns.lower),
    _gather(values, rows.lower, columns.upper),
    right,
  )
  below = _mix(
    _gather(values, rows.upper, columns.lower),
    _gather(values, rows.upper, columns.upper),
    right,
  )
  return _mix(above, below, down)


def crop_resize_nearest(values: jax.Array, box: Box) -> jax.Array:
  """Return a window resized to the full size by picking single pixels.

  Output row i is row floor(i h / H) of the window.

  Args:
    values: [H, W] or [H, W, C] of any dtype.
    box: the window.

  Returns:
    An array like `values`.

  Source: `F.interpolate(..., mode="nearest")` in the released
    `RandomScaleCrop`.
  Deviations: the floor is exact; PyTorch's float32 product falls one pixel
    short at isolated places of a few sizes (286, 370, 429 pixels, ...), and at
    none of the sizes of the papers.
  """
  height, width = values.shape[:2]
  rows = jnp.arange(height, dtype=jnp.int32) * box.height // height
  columns = jnp.arange(width, dtype=jnp.int32) * box.width // width
  return _gather(values, rows + box.top, columns + box.left)


def crop_label(
  label: Label,
  box: Box,
  geometry: Geometry,
  *,
  normal_resize: NormalResize = "renormalise",
  inverse_depth_scale: InverseDepthScale = "multiply",
) -> Label:
  """Return the label of the window `box`, resized to the full size.

  Places without ground truth are filled before anything is read, so whatever
  they hold, and whatever a hidden label holds, cannot matter.

  Args:
    label: of one image: value [H, W] or [H, W, C], valid bool[H, W], present
      bool[].
    box: the window.
    geometry: how the values follow. Interpolated values are valid where every
      pixel they are mixed from is; picked ones where the picked pixel is.
    normal_resize: "renormalise": unit length again, valid as above.
      "official": interpolated across invalid pixels as zero vectors, not
      renormalised, valid wherever the result is not zero.
    inverse_depth_scale: "multiply": what is nearer has a larger inverse depth.
      "official": divided by the zoom like a depth.

  Returns:
    Label of the same shapes; value 0 where not valid, and nowhere valid if not
    present.

  Source: the released `RandomScaleCrop`; "official" is what it does.
  Deviations: the defaults fix its normals (short vectors at borders count as
    valid there) and its inverse depth (which shrinks under zoom there).
  """
  mask = label.mask
  value = numerics.fill(label.value, mask)
  if geometry in (Geometry.DENSE, Geometry.NORMALS):
    value, valid = crop_resize(value, box), _all_valid(mask, box)
  else:
    value = crop_resize_nearest(value, box)
    valid = crop_resize_nearest(mask, box)
  if geometry is Geometry.NORMALS:
    if normal_resize == "renormalise":
      value = numerics.safe_unit(value)
      valid = valid & jnp.any(value != 0, axis=-1)
    else:
      valid = jnp.any(value != 0, axis=-1)
  if geometry is Geometry.INVERSE_DEPTH and inverse_depth_scale == "multiply":
    value = value * box.zoom
  elif geometry in (Geometry.DEPTH, Geometry.INVERSE_DEPTH):
    value = value / box.zoom
  value = numerics.fill(value, valid)
  return dataclasses.replace(label, value=value, valid=valid)


def crop_cells(label: Label, box: Box, size: tuple[int, int]) -> Label:
  """Return the label of a window where labels form a grid of their own.

  A cell of the result is the cell in which its centre falls. The label of an
  image as a whole, a grid of one cell, is unchanged.

  Args:
    label: of one image: value [h, w] or [h, w, C], valid bool[h, w].
    box: the window, pixels of the image.
    size: H and W of the image.

  Returns:
    Label of the same shapes.
  """
  rows, columns = label.valid.shape
  down = _cells(rows, box.top, box.height, size[0])
  along = _cells(columns, box.left, box.width, size[1])
  valid = _gather(label.mask, down, along)
  value = numerics.fill(_gather(label.value, down, along), valid)
  return dataclasses.replace(label, value=value, valid=valid)


def _cells(
  count: int, start: jax.Array, length: jax.Array, size: int
) -> jax.Array:
  """Return i32[count]: the cell of the image under each cell of a window."""
  # In half cells of the window, so that its centres are whole numbers.
  centre = 2 * count * start + (2 * jnp.arange(count) + 1) * length
  return centre // (2 * size)


def flip(values: jax.Array) -> jax.Array:
  """Return [H, W] or [H, W, C] mirrored left to right."""
  return values[:, ::-1]


def flip_label(label: Label, geometry: Geometry) -> Label:
  """Return the label of the image mirrored left to right.

  Args:
    label: of one image.
    geometry: normals also change the sign of their x component.

  Returns:
    Label of the same shapes.
  """
  value = flip(label.value)
  if geometry is Geometry.NORMALS:
    value = value * jnp.asarray([-1, 1, 1], value.dtype)
  return dataclasses.replace(label, value=value, valid=flip(label.valid))


def _all_valid(mask: jax.Array, box: Box) -> jax.Array:
  rows, columns = _axes(mask.shape, box)
  return (
    _gather(mask, rows.lower, columns.lower)
    & _gather(mask, rows.lower, columns.upper)
    & _gather(mask, rows.upper, columns.lower)
    & _gather(mask, rows.upper, columns.upper)
  )


def _axes(shape: tuple[int, ...], box: Box) -> tuple[_Axis, _Axis]:
  return (
    _axis(shape[0], box.top, box.height),
    _axis(shape[1], box.left, box.width),
  )


def _axis(size: int, start: jax.Array, length: jax.Array) -> _Axis:
  # In whole numbers: a pixel of weight 0 is then never read, and cannot make
  # its neighbour invalid.
  step = max(size - 1, 1)
  position = jnp.arange(size, dtype=jnp.int32) * (length - 1)
  lower = position // step
  rest = position - lower * step
  upper = lower + (rest > 0)
  return _Axis(lower + start, upper + start, rest.astype(jnp.float32) / step)


def _gather(
  values: jax.Array, rows: jax.Array, columns: jax.Array
) -> jax.Array:
  return values.at[rows[:, None], columns].get(mode="clip")


def _below(count: int | jax.Array, u: jax.Array) -> jax.Array:
  return (count * u).astype(jnp.int32)


def _mix(a: jax.Array, b: jax.Array, weight: jax.Array) -> jax.Array:
  return a * (1 - weight) + b * weight
