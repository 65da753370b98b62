"""Vision transformers of DINOv2 and DINOv3.

Source: Dosovitskiy et al. 2021; Oquab et al. 2024 (DINOv2); Darcet et al. 2024
(registers); Siméoni et al. 2025 (DINOv3); in the form of timm and transformers.
Positions on another grid than the trained one are interpolated as those
libraries do, which differ in it.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtr_jax.core import errors
from jtr_jax.models.backbones import rotary
from jtr_jax.models.base import (
  FLOAT32,
  Compute,
  scaled_depth,
  scaled_width,
)
from jtr_jax.models.convolution import convolution
from jtr_jax.models.layers import LayerNorm
from jtr_jax.models.resize import Method, resize

QkvBias: TypeAlias = Literal["all", "query_value", "none"]


@dataclasses.dataclass(frozen=True)
class VitSettings:
  """What makes one vision transformer different from another.

  Attributes:
    width: of the tokens.
    depth: how many blocks there are.
    heads: of attention.
    patch: side of a patch, pixels.
    registers: further tokens that stand for no place.
    grid: side of the grid of trained positions; 0 for rotary positions.
    class_position: whether the class token has a trained position, too.
    interpolation: how positions come to another grid.
    qkv_bias: which of query, key and value have a bias.
    epsilon: of layer norm.
    mask_token: whether there is the token of hidden patches; only pre-training
      uses it.
  """

  width: int = 384
  depth: int = 12
  heads: int = 6
  patch: int = 14
  registers: int = 0
  grid: int = 37
  class_position: bool = True
  interpolation: Method = "smooth_cubic"
  qkv_bias: QkvBias = "all"
  epsilon: float = 1e-6
  mask_token: bool = False

  def scaled(self, width: float, depth: float) -> "VitSettings":
    """Return the same with other width and depth; four blocks at least."""
    own = scaled_width(self.width, width)
    fitting = (n for n in range(self.heads, 0, -1) if own % (4 * n) == 0)
    blocks = max(4, scaled_depth(self.depth, depth))
    return dataclasses.replace(
      self, width=own, heads=next(fitting), depth=blocks
    )

  @property
  def prefix(self) -> int:
    """Tokens ahead of those of the patches."""
    return 1 + self.registers


SIZES: Mapping[str, VitSettings] = MappingProxyType(
  {
    "small": VitSettings(),
    "base": VitSettings(width=768, heads=12),
    "large": VitSettings(width=1024, depth=24, heads=16),
  }
)


def dinov2(size: str, registers: int = 0) -> VitSettings:
  """Return a DINOv2 as timm has it.

  Args:
    size: a key of `SIZES`.
    registers: 0 or 4; with them the class token's position is part of it.
  """
  return dataclasses.replace(
    SIZES[size], registers=registers, class_position=not registers
  )


def dinov3(size: str, qkv_bias: QkvBias = "none") -> VitSettings:
  """Return a DINOv3 as timm has it: patches of 16, rotary positions.

  Args:
    size: a key of `SIZES`.
    qkv_bias: "query_value" where the zeros of its release are kept.
  """
  return dataclasses.replace(
    SIZES[size],
    patch=16,
    registers=4,
    grid=0,
    qkv_bias=qkv_bias,
    epsilon=1e-5,
  )


class Attention(nn.Module):
  """Attention of every token to every token.

  Attributes:
    settings: of the network.
    compute: how it is computed.
  """

  settings: VitSettings
  compute: Compute

  @nn.compact
  def __call__(self, x: jax.Array, turn: rotary.Rotation | None) -> jax.Array:
    """Return f[B, N, C] of the tokens x [B, N, C]."""
    own, dtype = self.settings, self.compute.dtype
    batch, count, width = x.shape
    everywhere = own.qkv_bias == "all"
    dense = nn.Dense(3 * width, use_bias=everywhere, dtype=dtype, name="qkv")
    qkv = dense(x).reshape(batch, count, 3, own.heads, width // own.heads)
    query, key, value = jnp.moveaxis(qkv, 2, 0)
    if own.qkv_bias == "query_value":
      shape = (1, 1, *value.shape[2:])
      zeros, length = nn.initializers.zeros, (width,)
      query += self.param("query_bias", zeros, length).reshape(shape)
      value += self.param("value_bias", zeros, length).reshape(shape)
      query, value = query.astype(dtype), value.astype(dtype)
    if turn is not None:
      query = rotary.rotate(query, turn, own.prefix)
      key = rotary.rotate(key, turn, own.prefix)
    query = query * query.shape[-1] ** -0.5
    scores = jnp.einsum("bqhd,bkhd->bhqk", query, key)
    wide = scores.astype(jnp.promote_types(scores.dtype, jnp.float32))
    shares = jax.nn.softmax(wide, axis=-1).astype(dtype)
    mixed = jnp.einsum("bhqk,bkhd->bqhd", shares, value)
    dense = nn.Dense(width, dtype=dtype, name="project")
    return dense(mixed.reshape(x.shape))


class Block(nn.Module):
  """Attention, then two linear layers, each with layer norm and layer scale.

  Attributes:
    settings: of the network.
    compute: how it is computed.
  """

  settings: VitSettings
  compute: Compute

  @nn.compact
  def __call__(self, x: jax.Array, turn: rotary.Rotation | None) -> jax.Array:
    """Return f[B, N, C] of the tokens x [B, N, C]."""
    own, compute = self.settings, self.compute
    width, dtype = x.shape[-1], compute.dtype
    y = LayerNorm(own.epsilon, compute, name="norm1")(x)
    y = Attention(own, compute, name="attention")(y, turn)
    x = x + self._scale("scale1", width) * y
    y = LayerNorm(own.epsilon, compute, name="norm2")(x)
    y = nn.Dense(4 * width, dtype=dtype, name="expand")(y)
    y = nn.gelu(y, approximate=False)
    y = nn.Dense(width, dtype=dtype, name="project")(y)
    return x + self._scale("scale2", width) * y

  def _scale(self, name: str, width: int) -> jax.Array:
    ones = nn.initializers.ones
    scale: jax.Array = self.param(f"layer_{name}", ones, (width,))
    return scale.astype(self.compute.dtype)


class Vit(nn.Module):
  """Image to the maps block0, block1, ..., and tokens.

  The map block<i> is that of the patch tokens behind a block, normed<i> the
  same behind the last layer norm; tokens<i> are all tokens behind a block, and
  tokens those of the last one behind the norm.

  Attributes:
    settings: which transformer.
    compute: how it is computed.
  """

  settings: VitSettings
  compute: Compute = FLOAT32

  @property
  def strides(self) -> Mapping[str, int]:
    """Stride of every map that heads may read."""
    own = self.settings
    return {f"normed{n}": own.patch for n in range(own.depth)}

  @property
  def multiple(self) -> int:
    """What height and width have to be multiples of."""
    return self.settings.patch

  @property
  def last_layer(self) -> tuple[str, ...]:
    """Where the parameters have the last linear layer."""
    return f"block{self.settings.depth - 1}", "project"

  @nn.compact
  def __call__(self, x: jax.Array, *, train: bool) -> dict[str, jax.Array]:
    """Return maps and tokens of x [B, H, W, C], whole patches."""
    del train  # no batch norm here
    own, compute = self.settings, self.compute
    grid = self._grid(x)
    block = nn.remat(Block) if compute.remat else Block
    tokens = self._embed(x.astype(compute.dtype), grid)
    turn = None
    if not own.grid:
      turn = rotary.rotation(grid, own.width // own.heads, compute.dtype)
    norm = LayerNorm(own.epsilon, compute, name="norm")
    found = {}
    for index in range(own.depth):
      tokens = block(own, compute, name=f"block{index}")(tokens, turn)
      normed = norm(tokens)
      found[f"tokens{index}"] = tokens
      found[f"block{index}"] = self._map(tokens, grid)
      found[f"normed{index}"] = self._map(normed, grid)
    return {**found, "tokens": normed}

  def _grid(self, x: jax.Array) -> tuple[int, int]:
    patch = self.settings.patch
    if x.shape[1] % patch or x.shape[2] % patch:
      raise ValueError(
        errors.message(
          "The image is not made of whole patches",
          found=f"{x.shape[1]} x {x.shape[2]} pixels",
          expected=f"multiples of {patch}",
          do="Pad the image; `Encoder` does.",
        )
      )
    return x.shape[1] // patch, x.shape[2] // patch

  def _embed(self, x: jax.Array, grid: tuple[int, int]) -> jax.Array:
    """Return the tokens f[B, N, C] of the image: class, registers, patches."""
    own, dtype = self.settings, self.compute.dtype
    patches = convolution(
      own.width, own.patch, dtype, "patches", stride=own.patch, padding="none"
    )(x)
    first = self._token("class_token", 1)
    more = self._token("register_tokens", own.registers)
    if own.mask_token:
      self._token("mask_token", 1)
    if own.grid:
      count = own.grid**2 + own.class_position
      position = self._token("position", count)
      ahead, places = jnp.split(position, [int(own.class_position)], axis=1)
      if own.class_position:
        first = first + ahead
      places = places.reshape(1, own.grid, own.grid, own.width)
      patches = patches + resize(places, grid, own.interpolation).astype(dtype)
    ahead = jnp.concatenate([first, more], axis=1).astype(dtype)
    ahead = jnp.broadcast_to(ahead, (len(x), *ahead.shape[1:]))
    flat = patches.reshape(len(x), -1, own.width)
    return jnp.concatenate([ahead, flat], axis=1)

  def _token(self, name: str, count: int) -> jax.Array:
    """Return the parameter f32[1, count, C], empty and not stored if none."""
    shape = (1, count, self.settings.width)
    if not count:
      return jnp.zeros(shape)
    token: jax.Array = self.param(name, nn.initializers.normal(0.02), shape)
    return token

  def _map(self, tokens: jax.Array, grid: tuple[int, int]) -> jax.Array:
    own = self.settings
    return tokens[:, own.prefix :].reshape(len(tokens), *grid, own.width)
