"""Depthwise convolutions that are fast on CPUs.

XLA's grouped convolution and its gradients are slow there. The sum of shifted
images, each times its entry of the kernel, is a few loops over contiguous
channels: on two cores forward 10 to 60 times as fast, with gradients about 15
times (EfficientNet-Lite0's layers, batch 8, 96 x 128).
"""

import functools
from collections.abc import Iterator
from typing import TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.models.window import Window

Pair: TypeAlias = tuple[jax.Array, jax.Array]


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def depthwise(x: jax.Array, kernel: jax.Array, window: Window) -> jax.Array:
  """Return the convolution of every channel with a kernel of its own.

  There are no derivatives in forward mode (`jax.jvp`).

  Args:
    x: f[B, H, W, C].
    kernel: f[h, w, 1, C].
    window: static.

  Returns:
    f[B, H', W', C]; sums are made in float32 at least.
  """
  padded = _padded(x, window)
  size = _output_size(padded, kernel, window)
  terms = (
    _tap(padded, place, size, window) * kernel[place].astype(padded.dtype)
    for place in _places(kernel)
  )
  return functools.reduce(jnp.add, terms).astype(x.dtype)


def _forward(
  x: jax.Array, kernel: jax.Array, window: Window
) -> tuple[jax.Array, Pair]:
  return depthwise(x, kernel, window), (x, kernel)


def _backward(window: Window, saved: Pair, output: jax.Array) -> Pair:
  """Return the gradients in x and in the kernel."""
  x, kernel = saved
  padded = _padded(x, window)
  size, wide = output.shape[1:3], output.astype(padded.dtype)
  in_kernel = jnp.stack(
    [
      jnp.sum(_tap(padded, place, size, window) * wide, axis=(0, 1, 2))
      for place in _places(kernel)
    ]
  )
  in_x = _spread(wide, kernel.astype(padded.dtype), window, padded.shape)
  (top, _), (left, _) = window.pads
  height, width = x.shape[1:3]
  in_x = in_x[:, top : top + height, left : left + width]
  in_kernel = in_kernel.reshape(kernel.shape)
  return in_x.astype(x.dtype), in_kernel.astype(kernel.dtype)


depthwise.defvjp(_forward, _backward)


def _padded(x: jax.Array, window: Window) -> jax.Array:
  """Return x with its border, in float32 at least."""
  wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
  return jnp.pad(wide, ((0, 0), *window.pads, (0, 0)))


def _places(kernel: jax.Array) -> Iterator[tuple[int, int, int]]:
  """Yield the index of every entry of the kernel."""
  for row in range(kernel.shape[0]):
    for column in range(kernel.shape[1]):
      yield row, column, 0


def _output_size(
  padded: jax.Array, kernel: jax.Array, window: Window
) -> tuple[int, int]:
  """Return height and width of the output."""
  height, width = (
    (padded.shape[1 + axis] - (kernel.shape[axis] - 1) * apart - 1) // step + 1
    for axis, (step, apart) in enumerate(
      zip(window.strides, window.dilation, strict=True)
    )
  )
  return height, width


def _tap(
  padded: jax.Array,
  place: tuple[int, int, int],
  size: tuple[int, ...],
  window: Window,
) -> jax.Array:
  """Return the pixels that an entry of the kernel is multiplied by."""
  first = [n * apart for n, apart in zip(place, window.dilation, strict=False)]
  last = [
    start + (length - 1) * step + 1
    for start, length, step in zip(first, size, window.strides, strict=True)
  ]
  batch, *_, channels = padded.shape
  return jax.lax.slice(
    padded, (0, *first, 0), (batch, *last, channels), (1, *window.strides, 1)
  )


def _spread(
  output: jax.Array,
  kernel: jax.Array,
  window: Window,
  shape: tuple[int, ...],
) -> jax.Array:
  """Return the gradient in the padded image, perhaps with rows behind it.

  With a stride of s, the pixels whose row and column leave the same remainders
  by s are one image; it is a convolution of the output with a part of the
  kernel, and no zeros have to be put between the output's pixels.
  """
  (down, across), size = window.strides, output.shape[1:3]
  counts, reach = [], []
  for axis, step in enumerate(window.strides):
    counts.append(-(-shape[1 + axis] // step))
    reach.append((kernel.shape[axis] - 1) * window.dilation[axis] // step)
  pads = [
    (far, max(0, count - length))
    for far, count, length in zip(reach, counts, size, strict=True)
  ]
  padded = jnp.pad(output, ((0, 0), *pads, (0, 0)))
  phases = [
    [
      _phase(padded, kernel, window, (row, column), (counts, reach))
      for column in range(across)
    ]
    for row in range(down)
  ]
  rows = [jnp.stack(columns, axis=3) for columns in phases]
  batch, *_, channels = shape
  return jnp.stack(rows, axis=2).reshape(
    batch, counts[0] * down, counts[1] * across, channels
  )


def _phase(
  padded: jax.Array,
  kernel: jax.Array,
  window: Window,
  remainder: tuple[int, int],
  extent: tuple[list[int], list[int]],
) -> jax.Array:
  """Return the gradient in the pixels with these remainders."""
  (height, width), reach = extent
  total = jnp.zeros((), padded.dtype)
  batch, *_, channels = padded.shape
  for place in _places(kernel):
    apart = [n * d for n, d in zip(place, window.dilation, strict=False)]
    steps = window.strides
    if any(n % s != r for n, s, r in zip(apart, steps, remainder, strict=True)):
      continue
    top, left = (
      far - n // s for far, n, s in zip(reach, apart, steps, strict=True)
    )
    shifted = jax.lax.slice(
      padded,
      (0, top, left, 0),
      (batch, top + height, left + width, channels),
    )
    total = total + shifted * kernel[place]
  return jnp.broadcast_to(total, (batch, height, width, channels))
