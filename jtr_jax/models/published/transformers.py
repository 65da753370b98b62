"""DINOv2 and DINOv3 of transformers."""

import dataclasses
import functools
from collections.abc import Iterator

from jtr_jax.models.backbones import vit as backbone
from jtr_jax.models.backbones.vit import Vit, VitSettings
from jtr_jax.models.base import Compute
from jtr_jax.models.published import vit
from jtr_jax.models.published.network import (
  Build,
  PublishedNetwork,
  Sizes,
  WithTop,
)

NAME = "transformers"


def networks() -> Iterator[tuple[str, Build]]:
  """Yield name and constructor of every network."""
  for size in backbone.SIZES:
    for middle, registers in (("", 0), ("_with_registers", 4)):
      settings = dataclasses.replace(
        backbone.SIZES[size],
        registers=registers,
        interpolation="smooth_cubic" if registers else "cubic",
        mask_token=True,
      )
      yield f"dinov2{middle}_{size}", _build(settings, vit.DINOV2_SPELLINGS)
    settings = dataclasses.replace(
      backbone.dinov3(size, "query_value"), mask_token=True
    )
    yield f"dinov3_{size}", _build(settings, vit.DINOV3_SPELLINGS)


def _build(settings: VitSettings, spellings: tuple[vit.Spelling, ...]) -> Build:
  return functools.partial(_network, settings=settings, spellings=spellings)


def _network(
  name: str,
  sizes: Sizes,
  compute: Compute,
  *,
  settings: VitSettings,
  spellings: tuple[vit.Spelling, ...],
) -> PublishedNetwork:
  del sizes  # no classifier
  return PublishedNetwork(
    name,
    WithTop(Vit(settings, compute), None),
    tuple(
      tuple(vit.transformers_rows(settings, spelling)) for spelling in spellings
    ),
    vit.stages(settings, "tokens"),
    stem=f"{spellings[0].patches}.weight",
    side=4 * settings.patch,
  )
