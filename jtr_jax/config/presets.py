"""The vocabulary of config files: arguments, and functions that set fields.

A preset such as `variant=official` is an argument of a config file, not a
field: it is spelt out here, so that config.json is complete and every field can
be overridden by itself, `--config.method.dist_weight=2`.

Functions that take a config change it and return it.
"""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from jtr_jax.config import defaults, registry
from jtr_jax.config.arguments import parse_arg as parse_arg
from jtr_jax.config.balancing_presets import use_balancing
from jtr_jax.config.sections import make_section
from jtr_jax.core import errors
from jtr_jax.data.label_splits import scenarios
from jtr_jax.methods.jtr import settings

NYU_SIZE = (288, 384)  # pixels; the files published with MTAN
LAPTOP_SIZE = (48, 64)  # pixels

_EXTENDED = {"name": "prepared", "tasks": ("depth",)}

_ARGUMENTS: dict[str, Any] = {
  "scenario": "randomlabels",
  "tasks": defaults.TASKS,
  "extended": "",  # directory of prepared images with depth to mix in
  "variant": "paper",
  "seed": 0,
  "epochs": 0,  # 0: as the config file says
  "steps": 0,  # 0: from the epochs
  "balancing": "uniform",
}
NYU_ARGUMENTS = {**_ARGUMENTS, "data": "nyuv2"}
ROOMS_ARGUMENTS = _ARGUMENTS
FOLDER_ARGUMENTS = {
  "raw": "",
  "directory": "data/folder",
  "size": (0, 0),
  "method": "jtr",
  "laptop": False,
  **_ARGUMENTS,
  "tasks": (),
  "scenario": "found",
}

LAPTOP_MAPPINGS = {"mapping_filters": (4, 8, 16, 32, 32), "recompute": False}
"""Mappings for each pair of tasks that two CPU cores can train."""


def base() -> ConfigDict:
  """Return a config with every section, set as JTR trains on NYUv2."""
  config = ConfigDict(defaults.SECTIONS)
  use_model(config, "segnet")
  return use_method(config, "jtr")


def nyu(*, data: str, variant: str, **common: Any) -> ConfigDict:
  """Return the setting of the papers, on NYUv2 or on rooms of its size.

  Args:
    data: "nyuv2" or "rooms".
    variant: "paper", or "official" for 400 epochs and the augmentation as
      released.
    **common: scenario, tasks, extended, seed, epochs, steps and balancing.
  """
  if data not in ("nyuv2", "rooms"):
    raise errors.unknown_name("data for this config", data, ("nyuv2", "rooms"))
  config = use_data(base(), data)
  if data == "rooms":
    config.data.update(size=NYU_SIZE, train_count=795, val_count=654)
  if variant == "official":
    config.train.epochs = 400  # released train_nyuv2.py
  return _set_common(use_augment_variant(config, variant), **common)


def rooms(*, variant: str, **common: Any) -> ConfigDict:
  """Return a setting on the built-in data that a laptop can train.

  Args:
    variant: "paper", or "official" for the augmentation as released.
    **common: scenario, tasks, extended, seed, epochs, steps and balancing.
  """
  height, width = LAPTOP_SIZE
  config = use_laptop(use_data(base(), "rooms"))
  config.data.update(
    directory=f"data/rooms_{height}x{width}",
    size=LAPTOP_SIZE,
    train_count=200,
    val_count=100,
  )
  return _set_common(use_augment_variant(config, variant), **common)


def folder(
  *,
  raw: str,
  directory: str,
  size: tuple[int, int],
  laptop: bool,
  variant: str,
  **common: Any,
) -> ConfigDict:
  """Return a setting for a user's own folder of images and labels.

  Args:
    raw: the folder.
    directory: where its records are kept.
    size: (H, W) to resize to, pixels; (0, 0) keeps that of the images.
    laptop: whether to take the small network.
    variant: "paper", or "official" for the augmentation as released.
    **common: scenario, tasks, extended, seed, epochs, steps and balancing.
  """
  config = use_data(base(), "folder")
  config.data.update(raw=raw, directory=directory, size=size)
  if laptop:
    use_laptop(config)
  return _set_common(use_augment_variant(config, variant), **common)


def use_data(config: ConfigDict, name: str) -> ConfigDict:
  """Take other data, in the directory data/<name>."""
  config.data.name = name
  config.data.directory = f"data/{name}"
  return config


def add_source(
  config: ConfigDict, source: str, per_batch: int, /, **fields: Any
) -> ConfigDict:
  """Mix further images into every batch.

  With a `directory` they come from other data, which is taken as it is found.
  Without, they are others of the same data, and every field that is not given
  is, and goes on being, that of the section `data`.

  Args:
    config: the config.
    source: its name, in error messages and files.
    per_batch: images of it in every batch, besides `train.batch_size`.
    **fields: of `config_sections.SOURCE`.

  Returns:
    The config.

  Raises:
    ValueError: an unknown field, naming the nearest.
  """
  known = defaults.SOURCE
  for field in fields:
    if field not in known:
      raise errors.unknown_name("field of a source", field, known)
  shared = set(known) & set(config.data) - {"eval_split"}
  if "directory" in fields:
    shared = {"size"}
  followed = {field: config.data.get_oneway_ref(field) for field in shared}
  own = {**known, **followed, "per_batch": per_batch, **fields}
  config.data.sources[source] = ConfigDict(own)
  return config


def use_model(config: ConfigDict, name: str, **fields: Any) -> ConfigDict:
  """Take a network; fields not given are those of its builder."""
  config.model = make_section("network", name, registry.MODELS, fields, {})
  return config


def use_method(
  config: ConfigDict, name: str, *, variant: str = "paper", **fields: Any
) -> ConfigDict:
  """Take a method, as a variant says or with single fields changed.

  Auto-encoders and mappings get the filters of the network, and go on following
  them until they are given their own. Images without labels are compared
  between two colourings if the scenario has some. The optimiser gets the fields
  of the method's own groups of parameters.

  Args:
    config: the config.
    name: a key of `builders.METHODS`.
    variant: "paper", or "official" for the released code.
    **fields: of the method, to change.

  Returns:
    The config.

  Raises:
    ValueError: an unknown name, naming the nearest.
  """
  preset = registry.preset(name, variant)
  if "+unlabelled" in config.data.scenario:
    preset["unlabelled"] = "consistency"
  for field in ("autoencoder_filters", "mapping_filters"):
    preset[field] = config.model.get_oneway_ref("filters")
  if "method" in config:
    for field in registry.group_fields(config.method.name):
      del config.optimizer[field]
  config.optimizer.update(registry.group_fields(name))
  config.method = make_section("method", name, registry.METHODS, fields, preset)
  return config


def use_single_tasks(config: ConfigDict, task: str = "") -> ConfigDict:
  """Train a network for each task, or only that of one task."""
  if task:
    config.tasks = (task,)
  else:
    config.stages.plan = "stl"
  return config


def use_teachers(config: ConfigDict, *folders: str) -> ConfigDict:
  """Train a student on what single-task teachers predict (MuST).

  Args:
    config: the config of the student.
    *folders: workdirs of finished teachers; the others are trained first.

  Returns:
    The config.
  """
  config.stages.update(plan="must", teachers=tuple(filter(None, folders)))
  return config


def use_augment_variant(config: ConfigDict, variant: str) -> ConfigDict:
  """Resize labels as the paper means it, or as the released loaders do."""
  registry.find("variant", variant, settings.VARIANTS)
  released = variant == "official"
  config.augment.normal_resize = "official" if released else "renormalise"
  config.augment.inverse_depth_scale = "official" if released else "multiply"
  return config


def use_laptop(config: ConfigDict) -> ConfigDict:
  """Take a narrow network and a schedule for two CPU cores."""
  config.model.filters = (8, 16, 32, 64, 64)
  config.optimizer.learning_rate = 1e-3  # larger, as the runs are short
  config.optimizer.decay_epochs = 15
  config.optimizer.clip_norm = 1.0  # see docs/results/jtr_start.md
  config.train.batch_size = 4
  config.train.epochs = 30
  config.evaluate.batch_size = 4
  config.log.every_steps = 25
  return config


def from_plain(plain: Mapping[str, Any]) -> ConfigDict:
  """Return the config that config.json holds, lists made tuples again."""

  def restored(value: Any) -> Any:
    if isinstance(value, Mapping):
      return {name: restored(item) for name, item in value.items()}
    return tuple(map(restored, value)) if isinstance(value, list) else value

  return ConfigDict(restored(plain))


def _set_common(
  config: ConfigDict,
  *,
  scenario: str,
  tasks: tuple[str, ...],
  extended: str,
  seed: int,
  epochs: int,
  steps: int,
  balancing: str,
) -> ConfigDict:
  """Set what the arguments of most config files have in common.

  Images without labels come beside the labelled ones, 1 in every batch, and
  those with depth alone 4 (JTR supplement, "Batching").
  """
  unlabelled = scenarios.parse_scenario(scenario).unlabelled
  config.tasks = config.data.scenario_tasks = tasks
  config.data.scenario = scenario
  if unlabelled:
    config.data.images = "labelled"
    add_source(config, "unlabelled", 1, images="unlabelled")
  if extended:
    add_source(config, "extended", 4, **_EXTENDED, directory=extended)
  config.seed = seed
  config.train.epochs = epochs or config.train.epochs
  config.train.steps = steps
  return use_balancing(config, balancing)
