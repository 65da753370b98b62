"""How a method is trained: as the papers say, or as a released program does."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Variant(NamedTuple):
  """Values of settings, by the section of a config that they are in.

  Attributes:
    method: of the method's own fields.
    train: of the length and the batch, on the papers' data.
    optimizer: of the learning rates and their falls, on the papers' data.
    augment: of the views.
    experiment: of experiments of several runs.
  """

  method: Mapping[str, Any] = _NOTHING
  train: Mapping[str, Any] = _NOTHING
  optimizer: Mapping[str, Any] = _NOTHING
  augment: Mapping[str, Any] = _NOTHING
  experiment: Mapping[str, Any] = _NOTHING


def flat(settings: Any) -> dict[str, Any]:
  """Return the fields of a dataclass, those of dataclasses in it included."""
  fields: dict[str, Any] = {}
  for name, value in vars(settings).items():
    is_nested = dataclasses.is_dataclass(value)
    fields |= flat(value) if is_nested else {name: value}
  return fields


RELEASED_RESIZING: Mapping[str, Any] = {
  "normal_resize": "official",
  "inverse_depth_scale": "official",
}
"""Labels in a crop as the loaders of JTR and MTPSL resize them."""

JTR_PAPER = Variant(
  train={"epochs": 300, "batch_size": 4},
  optimizer={"learning_rate": 1e-4, "decay_rate": 0.5, "decay_epochs": 100},
  augment={"normal_resize": "renormalise", "inverse_depth_scale": "multiply"},
)
"""The setting in which the JTR paper trains all methods on NYUv2.

Source: Nishi et al., CVPR 2024. Table 6: 300 epochs, batch 4, all methods;
Sec. 4.1: RandAugment, "mostly identical hyper-parameters" to the code of MTPSL;
Sec. 6.2: of those only c_dist, c_recon and the batch are changed. So the
learning rate is MTPSL's, halved every 100 epochs (its nyu_mtl_xtc.py), while
JTR's own train_nyuv2.py halves it every 200 of 400 epochs (`variant=official`).
"""

MTPSL_RELEASED = Variant(
  train={"epochs": 200, "batch_size": 2},
  optimizer={"learning_rate": 1e-4, "decay_rate": 0.5, "decay_epochs": 100},
  augment={**RELEASED_RESIZING, "colour_ops": 0},
)
"""The setting of MTPSL's programs: nested scale crops, no colours changed.

Source: Li et al., CVPR 2022; released nyu_mtl_xtc.py, nyu_mtl_sl.py,
nyu_stl_sl.py and dataset/nyuv2ssl.py. The baselines that the JTR paper marks
with * are quoted from MTPSL's, so this is their setting too.
Deviations: its supervised programs step the schedule before an epoch, so that
the first fall comes after 99; programs of several tasks leave out the last,
incomplete batch of an epoch, here batches run on into the next epoch.
"""
