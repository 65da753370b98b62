"""A convolution whose gradients are fast inside loops, too.

On CPUs XLA has a fast convolution for one order of the axes. Outside of loops
it brings every gradient into that order; inside of `lax.scan` and `lax.map` it
does not, and they take 5 to 20 times as long. Here they are written in that
order.
"""

from typing import Any, TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp

Pair: TypeAlias = tuple[jax.Array, jax.Array]

_AXES = ("NHWC", "HWIO", "NHWC")


def convolution(
  width: int, size: int, dtype: jnp.dtype, name: str | None = None
) -> nn.Conv:
  """Return a convolution that keeps height and width."""
  return nn.Conv(
    width,
    (size, size),
    padding="SAME",
    dtype=dtype,
    conv_general_dilated=convolve,
    name=name,
  )


def convolve(
  x: jax.Array, kernel: jax.Array, *window: Any, **options: Any
) -> jax.Array:
  """Return the convolution f[B, H, W, O] of stride 1 that keeps H and W.

  Stands in for `jax.lax.conv_general_dilated` in a `flax.linen.Conv` with
  padding "SAME" and otherwise default settings. There are no derivatives in
  forward mode (`jax.jvp`) on CPUs; on other devices this is JAX's own function.

  Args:
    x: f[B, H, W, I].
    kernel: f[h, w, I, O], h and w odd.
    *window: strides and padding, for JAX's own function.
    **options: likewise.
  """
  if jax.default_backend() == "cpu":
    return _convolve(x, kernel)
  return jax.lax.conv_general_dilated(x, kernel, *window, **options)


def _plain(x: jax.Array, kernel: jax.Array, padding: Any = "SAME") -> jax.Array:
  return jax.lax.conv_general_dilated(
    x, kernel, (1, 1), padding, dimension_numbers=_AXES
  )


@jax.custom_vjp
def _convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
  return _plain(x, kernel)


def _forward(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, Pair]:
  return _plain(x, kernel), (x, kernel)


def _backward(saved: Pair, output: jax.Array) -> Pair:
  """Return the gradients in x and in the kernel.

  The first is the convolution with the kernel turned around. In the second the
  batch takes the place of the channels: those of x are the batch, and the
  gradient at the output is the kernel.
  """
  x, kernel = saved
  turned = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
  border = [(size // 2, size // 2) for size in kernel.shape[:2]]
  in_kernel = _plain(
    x.transpose(3, 1, 2, 0), output.transpose(1, 2, 0, 3), border
  )
  return _plain(output, turned), in_kernel.transpose(1, 2, 0, 3)


_convolve.defvjp(_forward, _backward)
