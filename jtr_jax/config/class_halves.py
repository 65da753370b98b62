"""The example of two data sets that name different classes of NYUv2."""

from typing import Any

from ml_collections import ConfigDict

from jtr_jax.config import presets

ARGUMENTS: dict[str, Any] = {
  "train": "both",
  "background": "set",
  "data": "nyuv2",
  "directory": "",
  "size": (0, 0),
  "laptop": False,
  "tasks": ("segmentation", "depth"),
  "method": "supervised",
  "seed": 0,
  "epochs": 0,
  "balancing": "uniform",
}

VOCABULARY = "configs/vocabularies/nyu_halves.toml"

_SCENARIOS = {"furniture": "full+unlabelled50", "structure": "full+labelled50"}
_WHOLE = {"scenario": "full", "images": "all", "vocabulary": ""}


def class_halves(
  *,
  train: str,
  background: str,
  data: str,
  directory: str,
  size: tuple[int, int],
  laptop: bool,
  tasks: tuple[str, ...],
  method: str,
  seed: int,
  epochs: int,
  balancing: str,
) -> ConfigDict:
  """Return the setting of one of the networks that are compared.

  Args:
    train: "furniture" or "structure": the half of the images that labels these
      classes; "both"; or "full", all images with whole labels.
    background: "set": a pixel that is called background has one of the classes
      that its half does not label; "ignored": it counts nowhere.
    data: "nyuv2", or "rooms" with the same classes.
    directory: of its records; "" for the usual one.
    size: (H, W) of rooms, pixels; (0, 0) for the usual one.
    laptop: whether to take the small network.
    tasks: of the data.
    method: see `use_method`.
    seed: of everything.
    epochs: of all images; 0 for the usual number.
    balancing: see `use_balancing`.

  Raises:
    ValueError: an unknown choice, naming the nearest.
  """
  presets.require_choice("train", train, ("both", *_SCENARIOS, "full"))
  presets.require_choice("background", background, ("set", "ignored"))
  presets.require_choice("data", data, ("nyuv2", "rooms"))
  config = presets.use_data(presets.base(), data)
  if laptop:
    presets.use_laptop(config)
  if data == "rooms":
    usual = presets.LAPTOP_SIZE if laptop else presets.NYU_SIZE
    images = (200, 100) if laptop else (795, 654)
    config.data.size = size if any(size) else usual
    config.data.train_count, config.data.val_count = images
  config.data.directory = directory or config.data.directory
  presets.use_method(config, method)
  config.tasks = config.data.scenario_tasks = tasks
  config.seed = config.data.split_seed = seed
  config.train.epochs = epochs or config.train.epochs
  presets.add_source(config, "whole", 0, **_WHOLE, eval_split="val")
  config.data.eval_split = ""
  _use_halves(config, train, "" if background == "set" else "_alone")
  return presets.use_balancing(config, balancing)


def _use_halves(config: ConfigDict, train: str, ending: str) -> None:
  """Choose the images, and what their labels mean."""
  if train == "full":
    config.data.update(_WHOLE)
    return
  own = {
    half: {"scenario": scenario, "vocabulary": f"{VOCABULARY}:{half}{ending}"}
    for half, scenario in _SCENARIOS.items()
  }
  config.data.images = "labelled"
  if train != "both":
    config.data.update(own[train])
    config.train.epochs *= 2  # as many updates, of half the images
    return
  config.data.update(own["furniture"])
  config.train.batch_size //= 2
  share = config.train.batch_size
  presets.add_source(config, "structure", share, **own["structure"])
