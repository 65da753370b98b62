"""Settings that start from trained weights: what most people begin with."""

from typing import Any

from ml_collections import ConfigDict

from jtr_jax.config import presets, registry
from jtr_jax.config.settings import TASKS
from jtr_jax.config.vocabulary import use_model, use_optimizer

SIZE = (96, 128)  # pixels; 3x4 in the deepest map
EPOCHS = 25
_NARROW = (16, 32, 64, 128)  # channels; published networks have 64 to 512
_EVALUATIONS = 10  # of a run, so that its curve can be seen

_ARGUMENTS: dict[str, Any] = {
  "scenario": "full",
  "tasks": TASKS,
  "method": "supervised",
  "variant": "paper",
  "seed": 0,
  "epochs": EPOCHS,
  "steps": 0,
  "balancing": "uniform",
  "weights": "package",
}
NYU_ARGUMENTS = {
  **_ARGUMENTS,
  "data": "nyuv2",
  "directory": "data/nyuv2_96x128",
}
ROOMS_ARGUMENTS = _ARGUMENTS
FOLDER_ARGUMENTS = {
  "raw": "",
  "directory": "data/folder",
  "size": (0, 0),
  **_ARGUMENTS,
  "tasks": (),
  "scenario": "found",
}


def nyu(
  *, method: str, data: str, directory: str, weights: str, **common: Any
) -> ConfigDict:
  """Return a setting for NYUv2, or rooms of its number, that two cores train.

  Args:
    method: see `vocabulary.use_method`.
    data: "nyuv2" or "rooms".
    directory: of the prepared records.
    weights: see `ModelSettings`.
    **common: scenario, tasks, variant, seed, epochs, steps and balancing.
  """
  config = presets.nyu(method, data=data, extended="", **common)
  config.data.directory = directory
  if data == "rooms":
    config.data.size = SIZE
  return use_pretrained(config, weights)


def rooms(*, method: str, weights: str, **common: Any) -> ConfigDict:
  """Return a setting for built-in rooms; arguments as of `nyu`."""
  config = presets.rooms(method, extended="", **common)
  config.data.update(directory="data/rooms_96x128", size=SIZE)
  return use_pretrained(config, weights)


def folder(*, method: str, weights: str, **arguments: Any) -> ConfigDict:
  """Return a setting for a user's own folder; see `presets.folder`."""
  own = presets.folder(method, laptop=False, extended="", **arguments)
  return use_pretrained(own, weights)


def use_pretrained(config: ConfigDict, weights: str = "package") -> ConfigDict:
  """Take EfficientNet-Lite0 with a pyramid, and train it with one cycle.

  The backbone is trained at 0.3 of the heads' rate, in batches of 8, on views
  that are cropped and mirrored.

  Args:
    config: its data, method, balancing and length stay.
    weights: see `ModelSettings`.
  """
  use_model(config, "efficientnet_lite0", weights=weights)
  _narrow_networks_of_the_method(config)
  use_optimizer(
    config,
    "adamw",
    weight_decay=1e-4,
    learning_rate=1e-3,
    backbone_factor=0.3,
    schedule="one_cycle",
    clip_norm=0.0,
  )
  config.train.batch_size = 8
  every = max(1, config.train.epochs // _EVALUATIONS)
  config.evaluate.update(batch_size=16, every_epochs=every)
  config.checkpoint.every_epochs = every
  config.augment.update(flip=True, colour_ops=0)
  config.log.every_steps = 50
  return config


def _narrow_networks_of_the_method(config: ConfigDict) -> None:
  """Make what a method has beside the network as small as two cores need it."""
  method = registry.find("method", config.method.name, registry.METHODS)
  field = method.traits.filters
  if field:
    last = method.fields[field].default[-1] and _NARROW[-1]  # 0: as the network
    config.method[field] = (*_NARROW, last)
