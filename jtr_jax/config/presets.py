"""The settings that config files start from, and the arguments they take.

A preset such as `variant=official` is an argument of a config file, not a
field: it is spelt out here, so that config.json is complete and every field can
be overridden on its own, `--config.method.dist_weight=2`.
"""

from typing import Any

from ml_collections import ConfigDict

from jtr_jax.config import layout, registry, schema
from jtr_jax.config.arguments import parse_arg as parse_arg
from jtr_jax.config.arguments import require_choice as require_choice
from jtr_jax.config.balancing_presets import use_balancing as use_balancing
from jtr_jax.config.published_settings import SEGNET, use_setting
from jtr_jax.config.settings import TASKS, Settings
from jtr_jax.config.vocabulary import add_source as add_source
from jtr_jax.config.vocabulary import use_data as use_data
from jtr_jax.config.vocabulary import use_method as use_method
from jtr_jax.config.vocabulary import use_model as use_model
from jtr_jax.config.vocabulary import use_optimizer as use_optimizer
from jtr_jax.config.vocabulary import use_scenario as use_scenario
from jtr_jax.config.vocabulary import use_schedule as use_schedule
from jtr_jax.config.vocabulary import use_single_tasks as use_single_tasks
from jtr_jax.config.vocabulary import use_teachers as use_teachers

NYU_SIZE = (288, 384)  # pixels; the files published with MTAN
LAPTOP_SIZE = (48, 64)  # pixels

_ARGUMENTS: dict[str, Any] = {
  "scenario": "randomlabels",
  "tasks": TASKS,
  "extended": "",  # directory of prepared images with depth to mix in
  "variant": "paper",
  "seed": 0,
  "epochs": 0,  # 0: as the config file says
  "steps": 0,  # 0: from the epochs
  "balancing": "uniform",
}
NYU_ARGUMENTS = {**_ARGUMENTS, "data": "nyuv2", "setting": SEGNET}
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
  sections: dict[str, Any] = {
    name: schema.defaults(schema.fields_of(cls))
    for name, cls in layout.SECTIONS.items()
  }
  sections["data"] |= {"name": registry.PARTS["data"].default, "sources": {}}
  rule = registry.PARTS["optimizer"].default
  fields = schema.defaults(registry.OPTIMIZERS[rule].fields)
  sections["optimizer"] |= {"name": rule, **fields}
  top = schema.defaults(schema.fields_of(Settings))
  config = use_balancing(ConfigDict({**top, **sections}), "uniform")
  use_model(config, registry.PARTS["model"].default)
  return use_method(config, registry.PARTS["method"].default)


def nyu(
  method: str = "jtr",
  *,
  data: str,
  variant: str,
  setting: str = SEGNET,
  **common: Any,
) -> ConfigDict:
  """Return the papers' setting of a method, on NYUv2 or rooms of its size.

  Args:
    method: see `use_method`.
    data: "nyuv2" or "rooms".
    variant: "paper", or "official" for the setting of the released program.
    setting: SEGNET, or another of a paper's networks and its training.
    **common: scenario, tasks, extended, seed, epochs, steps and balancing.
  """
  require_choice("data", data, ("nyuv2", "rooms"))
  config = use_method(use_data(base(), data), method, variant=variant)
  use_schedule(config, method, variant=variant)
  if data == "rooms":
    config.data.update(size=NYU_SIZE, train_count=795, val_count=654)
  use_setting(config, setting)
  return set_common(config, **common)


def rooms(method: str = "jtr", *, variant: str, **common: Any) -> ConfigDict:
  """Return a setting on the built-in data that a laptop can train.

  Args:
    method: see `use_method`.
    variant: "paper", or "official" for the method as released; the schedule is
      the laptop's.
    **common: scenario, tasks, extended, seed, epochs, steps and balancing.
  """
  height, width = LAPTOP_SIZE
  config = use_laptop(use_data(base(), "rooms"))
  use_method(config, method, variant=variant)
  config.data.update(
    directory=f"data/rooms_{height}x{width}",
    size=LAPTOP_SIZE,
    train_count=200,
    val_count=100,
  )
  return set_common(config, **common)


def folder(
  method: str = "jtr",
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
    method: see `use_method`.
    raw: the folder.
    directory: where its records are kept.
    size: (H, W) to resize to, pixels; (0, 0) keeps that of the images.
    laptop: whether to take the small network.
    variant: "paper", or "official" for the method as released.
    **common: scenario, tasks, extended, seed, epochs, steps and balancing.
  """
  config = use_data(base(), "folder")
  config.data.update(raw=raw, directory=directory, size=size)
  if laptop:
    use_laptop(config)
  use_method(config, method, variant=variant)
  return set_common(config, **common)


def use_laptop(config: ConfigDict) -> ConfigDict:
  """Use a narrow network and a schedule for two CPU cores."""
  config.model.filters = (8, 16, 32, 64, 64)
  config.optimizer.learning_rate = 1e-3  # larger, as the runs are short
  config.optimizer.decay_epochs = 15
  config.optimizer.clip_norm = 1.0  # see docs/results/jtr_start.md
  config.train.batch_size = 4
  config.train.epochs = 30
  config.evaluate.batch_size = 4
  config.log.every_steps = 25
  return config


def set_common(
  config: ConfigDict,
  *,
  scenario: str,
  tasks: tuple[str, ...],
  seed: int,
  epochs: int,
  steps: int,
  balancing: str,
  extended: str = "",
) -> ConfigDict:
  """Apply the arguments that most config files have.

  Args:
    config: the config.
    scenario: which labels are seen; with `+unlabelled<x>` see `use_scenario`.
    tasks: the tasks of the run, and of the scenario.
    seed: of everything but the label split.
    epochs: 0 for those of the config.
    steps: updates; 0 for those of the epochs.
    balancing: see `use_balancing`.
    extended: a directory of images with depth, 4 more in every batch (JTR, Sec.
      6.2, "Batching"); "" for none.

  Returns:
    The config.
  """
  config.tasks = config.data.scenario_tasks = tasks
  use_scenario(config, scenario)
  if extended:
    own = {"name": registry.PREPARED, "directory": extended}
    add_source(config, "extended", 4, **own, tasks=("depth",))
  config.seed = seed
  config.train.epochs = epochs or config.train.epochs
  config.train.steps = steps
  return use_balancing(config, balancing)
