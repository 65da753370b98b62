"""A convolution whose gradients are fast inside loops, too.

On CPUs XLA has a fast convolution for one order of the axes. Outside of loops
it brings every gradient into that order; inside of `lax.scan` and `lax.map` it
does not, and they take 5 to 20 times as long. Here they are written in that
order.
"""

import functools
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtr_jax.models.depthwise import depthwise
from jtr_jax.models.window import Pads, Window

Pair: TypeAlias = tuple[jax.Array, jax.Array]

Padding: TypeAlias = Literal["symmetric", "even", "none"]
"""Where zeros are added around an image."""

_AXES = ("NHWC", "HWIO", "NHWC")


def convolution(
  width: int,
  size: int,
  dtype: jnp.dtype,
  name: str | None = None,
  *,
  stride: int = 1,
  dilation: int = 1,
  groups: int = 1,
  bias: bool = True,
  padding: Padding = "symmetric",
) -> nn.Conv:
  """Return a convolution whose border is padded with zeros.

  Args:
    width: channels of the output.
    size: of the kernel.
    dtype: dtype of the computation.
    name: of the module.
    stride: steps of the kernel; with 1 height and width stay.
    dilation: distance of the kernel's entries, pixels.
    groups: how many parts the channels are divided into.
    bias: whether to add one.
    padding: "symmetric", as PyTorch's networks have it; "even", as TensorFlow
      pads images of an even size: a stride of 2 has less above and to the left;
      "none".
  """
  reach = dilation * (size - 1)
  total = {
    "symmetric": 2 * (reach // 2),
    "even": max(0, reach + 1 - stride),
    "none": 0,
  }[padding]
  pads = (total // 2, total - total // 2)
  return nn.Conv(
    width,
    (size, size),
    strides=stride,
    padding=(pads, pads),
    kernel_dilation=dilation,
    feature_group_count=groups,
    use_bias=bias,
    dtype=dtype,
    conv_general_dilated=convolve,
    name=name,
  )


def convolve(
  x: jax.Array,
  kernel: jax.Array,
  strides: Sequence[int],
  padding: Any,
  *,
  rhs_dilation: Sequence[int] = (1, 1),
  feature_group_count: int = 1,
  **options: Any,
) -> jax.Array:
  """Return the convolution f[B, H', W', O].

  Stands in for `jax.lax.conv_general_dilated` in a `flax.linen.Conv` of images.
  There are no derivatives in forward mode (`jax.jvp`) on CPUs; on other devices
  this is JAX's own function.

  Args:
    x: f[B, H, W, I].
    kernel: f[h, w, I / groups, O].
    strides: steps of the kernel, pixels.
    padding: zeros on each side, or "SAME" or "VALID".
    rhs_dilation: distance of the kernel's entries, pixels.
    feature_group_count: how many parts the channels are divided into.
    **options: for JAX's own function.
  """
  groups = feature_group_count
  alone = groups > 1 and groups == x.shape[-1] == kernel.shape[-1]
  if jax.default_backend() == "cpu" and (groups == 1 or alone):
    (height, width), (above, left) = _both(strides), _both(rhs_dilation)
    extent = [
      (size - 1) * step + 1
      for size, step in zip(kernel.shape, (above, left), strict=False)
    ]
    if isinstance(padding, str):
      sizes, steps = x.shape[1:3], (height, width)
      padding = jax.lax.padtype_to_pads(sizes, extent, steps, padding)
    top, side = (tuple(pair) for pair in padding)
    window = Window((height, width), (top, side), (above, left))
    return (depthwise if alone else _convolve)(x, kernel, window)
  return jax.lax.conv_general_dilated(
    x,
    kernel,
    strides,
    padding,
    rhs_dilation=rhs_dilation,
    feature_group_count=groups,
    **options,
  )


def _both(pair: Sequence[int]) -> tuple[int, int]:
  height, width = pair
  return height, width


def _plain(
  x: jax.Array,
  kernel: jax.Array,
  window: Window,
  spread: tuple[int, int] = (1, 1),
) -> jax.Array:
  """Return the convolution of x, its pixels `spread` apart."""
  return jax.lax.conv_general_dilated(
    x,
    kernel,
    window.strides,
    window.pads,
    lhs_dilation=spread,
    rhs_dilation=window.dilation,
    dimension_numbers=_AXES,
  )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve(x: jax.Array, kernel: jax.Array, window: Window) -> jax.Array:
  return _plain(x, kernel, window)


def _forward(
  x: jax.Array, kernel: jax.Array, window: Window
) -> tuple[jax.Array, Pair]:
  return _plain(x, kernel, window), (x, kernel)


def _backward(window: Window, saved: Pair, output: jax.Array) -> Pair:
  """Return the gradients in x and in the kernel.

  The first is the convolution with the kernel turned around, of an output whose
  pixels are as far apart as the strides were long. In the second the batch
  takes the place of the channels: those of x are the batch, and the gradient at
  the output is the kernel.
  """
  x, kernel = saved
  turned = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
  strides, pads, dilation = window
  in_x, in_kernel = [], []
  for axis in range(2):
    before, step, apart = pads[axis][0], strides[axis], dilation[axis]
    reach = (kernel.shape[axis] - 1) * apart
    covered = (output.shape[1 + axis] - 1) * step
    over = covered + reach + 1 - x.shape[1 + axis]
    in_x.append((reach - before, reach - over + before))
    in_kernel.append((before, over - before))
  return (
    _plain(output, turned, Window((1, 1), _pads(in_x), dilation), strides),
    _plain(
      x.transpose(3, 1, 2, 0),
      output.transpose(1, 2, 0, 3),
      Window(dilation, _pads(in_kernel), strides),
    ).transpose(1, 2, 0, 3),
  )


def _pads(pairs: list[tuple[int, int]]) -> Pads:
  height, width = pairs
  return height, width


_convolve.defvjp(_forward, _backward)
