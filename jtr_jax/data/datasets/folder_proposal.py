"""Proposes a `tasks.toml` for a folder that has none, from its files."""

import json
from pathlib import Path

import numpy as np

from jtr_jax.data.datasets import image_files

_SAMPLED_FILES = 24
_MOST_CLASSES = 150
_MOST_COLOURS = 64
_FEWEST_PIXELS = 8  # of a colour, on average
_SHORT, _LENGTH_ERROR, _MOST = 0.5, 0.05, 0.9
_IGNORED_IDS = (255, 65535)
_DRAWN_SHARE = 0.99  # of the pixels within the range of pictures


def propose_tasks(root: Path, labels: dict[str, list[Path]]) -> str:
  """Return the text of a `tasks.toml` that fits the files of a folder.

  Args:
    root: the folder; a `classes.json` in it may name the classes.
    labels: for each task its label files.

  Returns:
    TOML, to be checked by a person: units cannot be seen in numbers.
  """
  tables = [
    "\n".join([f"[{name}]", *_table(root, name, paths)])
    for name, paths in labels.items()
  ]
  return "\n\n".join(tables) + "\n"


def _table(root: Path, name: str, paths: list[Path]) -> list[str]:
  step = max(1, len(paths) // _SAMPLED_FILES)
  arrays = [image_files.read_label(path) for path in paths[::step]]
  arrays = [
    a[..., 0] if a.ndim == 3 and a.shape[-1] == 1 else a for a in arrays
  ]
  first = arrays[0]
  channels = first.shape[-1] if first.ndim == 3 else 1
  if channels == 3:
    return _of_three_channels(arrays)
  numbers = np.unique(np.concatenate([np.unique(a) for a in arrays]))
  integral = first.dtype.kind in "iu"
  if "depth" in name or "disp" in name:
    return _depth(arrays, scale=0.001 if integral else 1.0)
  if channels == 1 and _are_class_ids(numbers):
    return _segmentation(root, numbers)
  scale = 1 / float(np.iinfo(first.dtype).max) if integral else 1.0
  lines = ['kind = "regression"', f"scale = {scale}"]
  return lines + ([f"channels = {channels}"] if channels > 1 else [])


def _of_three_channels(arrays: list[np.ndarray]) -> list[str]:
  """Return normals, classes told by colours, or plain numbers."""
  if all(map(_are_unit_vectors, arrays)):
    return ['kind = "normals"  # x right, y down, z away from the camera']
  pixels = np.concatenate([a.reshape(-1, a.shape[-1]) for a in arrays])
  colours = _colours(pixels) if pixels.dtype == np.uint8 else []
  if 2 <= len(colours) <= min(_MOST_COLOURS, len(pixels) // _FEWEST_PIXELS):
    return [
      'kind = "segmentation"',
      f"classes = {len(colours)}  # or their names, in the colours' order",
      f"colours = {json.dumps(colours)}",
    ]
  integral = pixels.dtype.kind in "iu"
  scale = 1 / float(np.iinfo(pixels.dtype).max) if integral else 1.0
  return ['kind = "regression"', f"scale = {scale}", "channels = 3"]


def _colours(pixels: np.ndarray) -> list[list[int]]:
  """Return the colours that occur in u8[N, 3], sorted."""
  codes = np.unique(pixels.astype(np.int64) @ [65536, 256, 1])
  return [[c // 65536, c // 256 % 256, c % 256] for c in codes.tolist()]


def _are_unit_vectors(stored: np.ndarray) -> bool:
  """Return whether most of vectors, as normals are coded, have length 1."""
  values = stored.astype(np.float64)
  if stored.dtype.kind == "u":
    values = 2 * values / np.iinfo(stored.dtype).max - 1
  length = np.linalg.norm(values, axis=-1)
  known = np.isfinite(length) & (length > _SHORT)
  if not known.any():
    return False
  near = np.abs(length[known] - 1) < _LENGTH_ERROR
  return bool(near.mean() > _MOST and (values[known] < 0).any())


def _depth(arrays: list[np.ndarray], *, scale: float) -> list[str]:
  lines = ['kind = "depth"', f"scale = {scale}  # to metres", "invalid = 0"]
  stored = np.concatenate([array.ravel() for array in arrays])
  metres = scale * stored[np.isfinite(stored) & (stored > 0)].astype(np.float64)
  if not metres.size or metres.std() == 0:
    return lines
  return [
    *lines,
    f"joint_mean = {metres.mean():.3g}  # of the values in metres",
    f"joint_std = {metres.std():.3g}",
    f"picture_range = [0, {np.quantile(metres, _DRAWN_SHARE):.3g}]",
  ]


def _are_class_ids(numbers: np.ndarray) -> bool:
  ids = numbers[~np.isin(numbers, _IGNORED_IDS)]
  whole = np.array_equal(ids, np.round(ids))
  return bool(whole and ids.size > 0 and 0 < ids.max() < _MOST_CLASSES)


def _segmentation(root: Path, numbers: np.ndarray) -> list[str]:
  ignored = [i for i in _IGNORED_IDS if i in numbers]
  count = int(numbers[~np.isin(numbers, _IGNORED_IDS)].max()) + 1
  names = _class_names(root / "classes.json")
  classes = json.dumps(names) if len(names) >= count else str(count)
  lines = ['kind = "segmentation"', f"classes = {classes}"]
  return lines + ([f"ignore = {ignored[0]}"] if ignored else [])


def _class_names(path: Path) -> list[str]:
  if not path.is_file():
    return []
  try:
    content = json.loads(path.read_text(encoding="utf-8"))
  except ValueError:
    return []
  names = content.get("classes", []) if isinstance(content, dict) else content
  return [str(name) for name in names]
