"""Vision transformers under the names of timm and of transformers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from jtr_jax.models.backbones.vit import VitSettings
from jtr_jax.models.published.tensors import (
  MATRIX,
  SAME,
  Layout,
  Tensor,
  convolution,
  linear,
  norm,
)

_ROOT = ("backbone",)
_ONE_ROW = Layout(  # [1, C] and [1, 1, C]
  lambda x: x.reshape(1, 1, -1), lambda x: x.reshape(1, -1)
)


def timm_rows(settings: VitSettings) -> Iterator[Tensor]:
  """Yield the tensors of timm's transformers, DINOv2 or (rotary) DINOv3."""
  yield _token("cls_token", "class_token")
  if settings.registers:
    yield _token("reg_token", "register_tokens")
  if settings.grid:
    yield _token("pos_embed", "position")
  yield from convolution("patch_embed.proj", (*_ROOT, "patches"), bias=True)
  for index in range(settings.depth):
    name, own = f"blocks.{index}", (*_ROOT, f"block{index}")
    yield from _timm_block(settings, name, own)
  yield from norm("norm", (*_ROOT, "norm"))


def _timm_block(
  settings: VitSettings, name: str, own: tuple[str, ...]
) -> Iterator[Tensor]:
  scales = (
    ("ls1.gamma", "ls2.gamma") if settings.grid else ("gamma_1", "gamma_2")
  )
  for number, scale in enumerate(scales, start=1):
    yield from norm(f"{name}.norm{number}", (*own, f"norm{number}"))
    path = ("params", *own, f"layer_scale{number}")
    yield Tensor(f"{name}.{scale}", path)
  attention = ("params", *own, "attention")
  qkv = f"{name}.attn.qkv"
  yield Tensor(f"{qkv}.weight", (*attention, "qkv", "kernel"), MATRIX)
  if settings.qkv_bias == "all":
    yield Tensor(f"{qkv}.bias", (*attention, "qkv", "bias"))
  if settings.qkv_bias == "query_value":
    yield Tensor(f"{name}.attn.q_bias", (*attention, "query_bias"))
    yield Tensor(f"{name}.attn.v_bias", (*attention, "value_bias"))
  yield from linear(f"{name}.attn.proj", (*own, "attention", "project"))
  yield from linear(f"{name}.mlp.fc1", (*own, "expand"))
  yield from linear(f"{name}.mlp.fc2", (*own, "project"))


class Spelling(NamedTuple):
  """How a release of transformers names the layers.

  Attributes:
    patches: the convolution of the patches.
    blocks: what the blocks are numbered under.
    attention: query, key, value and output of attention.
    linear: the two linear layers behind it.
    norm: the last norm.
  """

  patches: str
  blocks: str
  attention: Sequence[str]
  linear: Sequence[str]
  norm: str


_PROJECTIONS = tuple(f"attention.{part}_proj" for part in "qkvo")
_FIRST_PROJECTIONS = (
  *(f"attention.attention.{part}" for part in ("query", "key", "value")),
  "attention.output.dense",
)
DINOV2_SPELLINGS = tuple(
  Spelling(
    patches="embeddings.patch_embeddings.projection",
    blocks="encoder.layer",
    attention=attention,
    linear=("mlp.fc1", "mlp.fc2"),
    norm="layernorm",
  )
  for attention in (_FIRST_PROJECTIONS, _PROJECTIONS)
)
"""Of the published files, and of transformers 5."""

DINOV3_SPELLINGS = tuple(
  Spelling(
    patches="embeddings.patch_embeddings",
    blocks=blocks,
    attention=_PROJECTIONS,
    linear=("mlp.up_proj", "mlp.down_proj"),
    norm="norm",
  )
  for blocks in ("layer", "model.layer")
)
"""Likewise."""


def transformers_rows(
  settings: VitSettings, spelling: Spelling
) -> Iterator[Tensor]:
  """Yield the tensors of DINOv2 and DINOv3 of transformers."""
  yield _token("embeddings.cls_token", "class_token")
  layout = _ONE_ROW if settings.grid else SAME
  yield _token("embeddings.mask_token", "mask_token", layout)
  if settings.registers:
    yield _token("embeddings.register_tokens", "register_tokens")
  if settings.grid:
    yield _token("embeddings.position_embeddings", "position")
  yield from convolution(spelling.patches, (*_ROOT, "patches"), bias=True)
  for index in range(settings.depth):
    name, own = f"{spelling.blocks}.{index}", (*_ROOT, f"block{index}")
    for number in (1, 2):
      yield from norm(f"{name}.norm{number}", (*own, f"norm{number}"))
      path = ("params", *own, f"layer_scale{number}")
      yield Tensor(f"{name}.layer_scale{number}.lambda1", path)
    *qkv, output = (f"{name}.{part}" for part in spelling.attention)
    yield from _separate(settings, qkv, ("params", *own, "attention"))
    yield from linear(output, (*own, "attention", "project"))
    for part, layer in zip(spelling.linear, ("expand", "project"), strict=True):
      yield from linear(f"{name}.{part}", (*own, layer))
  yield from norm(spelling.norm, (*_ROOT, "norm"))


def _separate(
  settings: VitSettings, names: Sequence[str], path: tuple[str, ...]
) -> Iterator[Tensor]:
  """Yield the rows of query, key and value, which we keep side by side."""
  kernel, bias = (*path, "qkv", "kernel"), (*path, "qkv", "bias")
  for index, name in enumerate(names):
    yield Tensor(f"{name}.weight", kernel, MATRIX, (index, 3))
    if settings.qkv_bias == "all":
      yield Tensor(f"{name}.bias", bias, SAME, (index, 3))
  if settings.qkv_bias == "query_value":
    yield Tensor(f"{names[0]}.bias", (*path, "query_bias"))
    yield Tensor(f"{names[2]}.bias", (*path, "value_bias"))


def stages(settings: VitSettings, kind: str) -> Mapping[str, str]:
  """Return the published names of the outputs and ours.

  Args:
    settings: of the network.
    kind: "block" for the maps of the blocks, "tokens" for all their tokens.
  """
  blocks = range(settings.depth)
  return {"tokens": "tokens", **{f"block{n}": f"{kind}{n}" for n in blocks}}


def _token(name: str, own: str, layout: Layout = SAME) -> Tensor:
  return Tensor(name, ("params", *_ROOT, own), layout)
