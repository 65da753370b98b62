"""The papers' other networks, each with the training that goes with it.

A setting is chosen by the argument `setting=` of a config for NYUv2. Trained
weights are the user's: `model.weights`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from jtr_jax.config.vocabulary import use_model, use_optimizer
from jtr_jax.core import errors


class PublishedSetting(NamedTuple):
  """A network and its training.

  Attributes:
    model: fields of the section `model`, `name` among them.
    optimizer: fields of the section `optimizer`, `name` among them; {} for that
      of the method's variant.
    train: fields of the section `train`.
    size: (H, W) of the images, pixels; () for that of the files.
    directory: of NYUv2 prepared for it; "" for the usual one.
  """

  model: Mapping[str, Any]
  optimizer: Mapping[str, Any] = MappingProxyType({})
  train: Mapping[str, Any] = MappingProxyType({})
  size: tuple[int, ...] = ()
  directory: str = ""


SEGNET = "segnet"
"""The network of JTR and MTPSL, which every config has at first."""

_IAL = PublishedSetting(
  {"name": "resnet50", "head": "deeplabv3", "output_stride": 8},
  {
    "name": "adam",
    "learning_rate": 1e-4,  # Sec. IV-B: best of the search on NYUv2
    "weight_decay": 1e-4,
    "schedule": "poly",
  },
  {"batch_size": 12, "epochs": 100},
)


def _amtl(backbone: str, head: str, *, shared: bool = True) -> PublishedSetting:
  """Return AMTL's training of a network; supplement, Sec. A.2, B.1 to B.3."""
  return PublishedSetting(
    {
      "name": backbone,
      "head": head,
      "shared_trunk": shared,
      "aspp_dropout": 0.5,  # Sec. B.5
    },
    {
      "name": "adam",
      "learning_rate": 2e-4,  # the middle one of the five that were tried
      "weight_decay": 5e-4,
      "schedule": "cosine",
    },
    {"batch_size": 8, "epochs": 100},
    (480, 640),
    "data/nyuv2_40",  # 40 classes; see docs/datasets.md
  )


SETTINGS: Mapping[str, PublishedSetting] = MappingProxyType(
  {
    "jtr_resnet50": PublishedSetting(
      {"name": "resnet50", "head": "deeplabv3_plus", "output_stride": 16}
    ),
    "ial": _IAL,
    "amtl": _amtl("resnet50", "deeplabv3"),
    "amtl_plus": _amtl("resnet50", "deeplabv3_plus"),
    "amtl_own": _amtl("resnet50", "deeplabv3", shared=False),
    "amtl_own_plus": _amtl("resnet50", "deeplabv3_plus", shared=False),
    "amtl_mobilenet_v2": _amtl("mobilenet_v2", "deeplabv3_plus"),
    "amtl_efficientnet_v2_s": _amtl("efficientnet_v2_s", "deeplabv3_plus"),
  }
)
"""Name -> setting.

Sources: JTR supplement, Sec. 6.4, Table 15; IAL, Sec. IV-A and IV-B; AMTL
  supplement, Sec. A and B.
Deviations: what a paper does not state is what its code base has: IAL's 100
  epochs, weight decay and poly schedule (MTI-Net); the output stride of JTR's
  DeepLabV3+ is that of its paper. AMTL shows the best of five learning rates,
  8e-5 to 8e-4; ours is the middle one.
"""


def use_setting(config: ConfigDict, name: str) -> ConfigDict:
  """Take a paper's network and its training; "segnet" changes nothing.

  Args:
    config: its method and its balancing stay.
    name: a key of `SETTINGS`, or "segnet".

  Raises:
    ValueError: an unknown name, naming the nearest.
  """
  if name == SEGNET:
    return config
  if name not in SETTINGS:
    raise errors.unknown_name("setting", name, (SEGNET, *SETTINGS))
  found = SETTINGS[name]
  use_model(config, **found.model)
  if found.optimizer:
    use_optimizer(config, **found.optimizer)
  config.train.update(found.train)
  if found.size:
    height, width = found.size
    config.data.size = (height, width)
    is_nyu = config.data.name == "nyuv2"
    config.data.directory = (
      found.directory if is_nyu else f"data/rooms_{height}x{width}"
    )
  return config
