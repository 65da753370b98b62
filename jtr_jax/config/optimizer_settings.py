"""The section `optimizer`; see `settings`."""

import dataclasses
import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from jtr_jax.config.part import INLINE, Part
from jtr_jax.core.fields import (
  FACTOR,
  FRACTION,
  INNER_FRACTION,
  NOT_NEGATIVE,
  POSITIVE,
  Bound,
  Source,
  Unit,
)

_RATE = Bound(low=0, high=1e6, open_low=True)

_nothing = functools.partial(MappingProxyType, {})


@dataclasses.dataclass(frozen=True)
class OptimizerSettings:
  """How gradients become updates.

  Attributes:
    rule: "adam", "adamw", "sgd", or another function of a learning rate's
      schedule and keyword arguments, such as `optax:lion`.
    learning_rate: at the start, or behind the warm-up, of all parameters in no
      group of their own; of "one_cycle" the highest.
    schedule: "step" falls every `decay_epochs`; "constant" stays; "cosine" and
      "poly" fall until the end of the run; "one_cycle" rises and falls;
      "plateau" falls when the metric that chooses checkpoints does not get
      better.
    warmup_epochs: in which the rate rises linearly from 0.
    decay_rate: factor of every fall of the learning rate (step, plateau).
    decay_epochs: from one fall to the next (step).
    final_factor: fraction of the rate that is left at the end (cosine, poly).
    power: of the fraction of the run that is left (poly).
    rise: fraction of the run in which the rate rises (one_cycle).
    patience: evaluations without a better one before a fall (plateau).
    backbone_factor: of the learning rate of the network's backbone.
    layer_decay: factor of the learning rate from each block of the backbone to
      the one before it.
    frozen: patterns of parameters that are not trained, such as
      "encoder/backbone" or "*/norm*"; statistics of batch norm are updated all
      the same, unless `model.frozen_norm` stops those of the backbone.
    accumulate: training steps whose gradients are averaged for one update.
    average: evaluate with averages of parameters and statistics, of which every
      update keeps this fraction; 0: evaluate with them as they are.
    clip_norm: largest norm of a network's gradient; 0: not clipped.
    groups: <group>_learning_rate and so on, of the method's own groups.
  """

  rule: Part = dataclasses.field(metadata=INLINE)
  learning_rate: Annotated[
    float, _RATE, Source("JTR, Sec. 4.1: as released MTPSL")
  ] = 1e-4
  schedule: Literal[
    "step", "constant", "cosine", "poly", "one_cycle", "plateau"
  ] = "step"
  warmup_epochs: Annotated[float, NOT_NEGATIVE, Unit("epochs")] = 0.0
  decay_rate: Annotated[
    float, FACTOR, Source("JTR, Sec. 4.1: as released MTPSL")
  ] = 0.5
  decay_epochs: Annotated[
    int, POSITIVE, Unit("epochs"), Source("JTR, Sec. 6.2: as released MTPSL")
  ] = 100
  final_factor: Annotated[float, FRACTION] = 0.0
  power: Annotated[
    float, Bound(0, 100, open_low=True), Source("DeepLab, Sec. 4.1")
  ] = 0.9
  rise: Annotated[float, INNER_FRACTION, Source("torch OneCycleLR")] = 0.3
  patience: Annotated[
    int, NOT_NEGATIVE, Unit("evaluations"), Source("torch ReduceLROnPlateau")
  ] = 10
  backbone_factor: Annotated[float, _RATE] = 1.0
  layer_decay: Annotated[float, FACTOR] = 1.0
  frozen: tuple[str, ...] = ()
  accumulate: Annotated[int, Bound(low=1, high=10**5), Unit("steps")] = 1
  average: Annotated[float, Bound(low=0, high=1, open_high=True)] = 0.0
  clip_norm: Annotated[float, NOT_NEGATIVE] = 0.0
  groups: Mapping[str, float] = dataclasses.field(
    default_factory=_nothing, metadata=INLINE
  )
