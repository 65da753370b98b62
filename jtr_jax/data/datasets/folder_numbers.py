"""Labels of images and of cells in the files of a folder: npy, npz or text.

A text file holds numbers or names of classes, one a line or between commas. An
npz file holds one array, or for a distribution over some classes `ids` and
`shares`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.datasets import image_files
from jtr_jax.data.datasets.folder_tasks import FolderTask

SUFFIXES = (".npz", ".txt")
"""Of label files, besides those of images."""

_UNREADABLE = (OSError, EOFError, ValueError, UnicodeDecodeError)
_LARGEST_HALF = float(np.finfo(np.float16).max)


def _class_of_image(task: FolderTask, path: Path) -> np.ndarray:
  """Return the class id of an image, [1, 1]."""
  found = _numbers_or_names(task, path)
  if isinstance(found, list):
    found = np.array([_index(task, name, path) for name in found])
  if found.size != 1:
    expected = "one class, its id or its name"
    raise bad_label(task, path, f"{found.size} numbers", expected)
  return task.decode(found.reshape(1, 1), path)


def _classes_of_image(task: FolderTask, path: Path) -> np.ndarray:
  """Return for each class whether it is there, [1, 1, C]; -1 is unknown."""
  found, count = _numbers_or_names(task, path), len(task.classes)
  if isinstance(found, list):
    there = [_index(task, name, path) for name in found]
    values = np.isin(np.arange(count), there).astype(np.int8)
  else:
    values = found.reshape(-1)
    values = np.where(np.isin(values, task.ignore), -1, values)
  if len(values) != count or not np.isin(values, (-1, 0, 1)).all():
    raise bad_label(
      task,
      path,
      f"{len(values)} numbers, {sorted(set(values.tolist()))[:5]} among them",
      f"{count} times 1 (there), 0 (not there) or -1 (unknown), or the names "
      "of the classes that are there",
    )
  return values.astype(np.int8).reshape(1, 1, count)


def _numbers_of_image(task: FolderTask, path: Path) -> np.ndarray:
  """Return the numbers of an image, f32[1, 1, C]; NaN is none."""
  found = _numbers_or_names(task, path)
  if isinstance(found, list) or found.size != task.channels:
    what = "names" if isinstance(found, list) else f"{found.size} numbers"
    raise bad_label(task, path, what, f"{task.channels} numbers")
  valid = np.isfinite(found)
  if task.invalid is not None:
    valid &= found != task.invalid
  scaled = np.where(valid, found * np.float64(task.scale), np.nan)
  return scaled.astype(np.float32).reshape(1, 1, -1)


def _distribution(task: FolderTask, path: Path) -> np.ndarray:
  """Return probabilities f16[h, w, C], or f32[h, w, 2 top] of the likeliest."""
  found = _content(path)
  if isinstance(found, dict):
    return _likeliest(task, path, found["ids"], found["shares"])
  count = len(task.classes)
  if isinstance(found, list) or found.shape[-1:] != (count,):
    shape = "names" if isinstance(found, list) else f"shape {list(found.shape)}"
    expected = f"probabilities of {count} classes along the last axis"
    raise bad_label(task, path, shape, expected)
  shares = _as_cells(task, path, found)
  if task.top:
    ids = np.argsort(-shares, axis=-1, kind="stable")[..., : task.top]
    return _likeliest(task, path, ids, np.take_along_axis(shares, ids, axis=-1))
  _check_shares(task, path, shares)
  return shares.astype(np.float16)


def _likeliest(
  task: FolderTask, path: Path, ids: np.ndarray, shares: np.ndarray
) -> np.ndarray:
  """Return the ids of some classes, then their probabilities."""
  if not task.top or ids.shape != shares.shape or ids.shape[-1] != task.top:
    raise bad_label(
      task,
      path,
      f"ids {list(ids.shape)} and shares {list(shares.shape)}",
      f"both with a last axis of top = {task.top}",
    )
  if ids.min() < 0 or ids.max() >= len(task.classes):
    expected = f"classes from 0 to {len(task.classes) - 1}"
    raise bad_label(task, path, f"ids to {ids.max()}", expected)
  shares = _as_cells(task, path, shares)
  _check_shares(task, path, shares)
  ids = ids.reshape(shares.shape)
  return np.concatenate([ids, shares], axis=-1).astype(np.float32)


def _check_shares(task: FolderTask, path: Path, shares: np.ndarray) -> None:
  known = shares[np.isfinite(shares)]
  if known.size and (known.min() < 0 or known.max() > _LARGEST_HALF):
    raise bad_label(
      task,
      path,
      f"numbers from {known.min():g} to {known.max():g}",
      "probabilities; logits need a soft-max first",
    )


def _as_cells(task: FolderTask, path: Path, values: np.ndarray) -> np.ndarray:
  """Return [h, w, C]: one cell if there is nothing but C."""
  cells = values[None, None] if values.ndim == 1 else values
  if cells.ndim != 3 or (task.grid and cells.shape[:2] != task.grid):
    raise bad_label(
      task,
      path,
      f"shape {list(values.shape)}",
      f"a grid of {task.grid[0]}x{task.grid[1]}"
      if task.grid
      else "one distribution for each pixel",
    )
  return cells


def _yes_or_no(task: FolderTask, path: Path) -> np.ndarray:
  """Return i8[H, W, 1]: whether the stored number is above the threshold."""
  stored = image_files.read_label(path)
  plane = stored[..., 0] if stored.ndim == 3 else stored
  if stored.ndim == 3 and stored.shape[-1] != 1:
    raise bad_label(task, path, f"{stored.shape[-1]} channels", "1")
  none = np.isin(plane, task.ignore) | ~np.isfinite(plane)
  yes = np.where(none, -1, plane > task.threshold)
  return yes.astype(np.int8)[..., None]


READERS: Mapping[str, Callable[[FolderTask, Path], np.ndarray]] = {
  "saliency": _yes_or_no,
  "edges": _yes_or_no,
  "classification": _class_of_image,
  "multilabel": _classes_of_image,
  "scalar": _numbers_of_image,
  "soft_labels": _distribution,
}
"""Kind -> (task, file) -> label in stored form; other kinds are images."""


def read(task: FolderTask, path: Path) -> np.ndarray:
  """Return the label in a file, in stored form.

  Args:
    task: says of what kind it is.
    path: the file.

  Raises:
    ValueError: naming the file, if it holds no such label.
  """
  if task.kind in READERS:
    return READERS[task.kind](task, path)
  if path.suffix.lower() == ".npz":
    found = _content(path)
    if isinstance(found, np.ndarray) and found.ndim in (2, 3):
      return task.decode(found, path)
    raise bad_label(task, path, "no map", "one array [H, W] or [H, W, C]")
  return task.decode(image_files.read_label(path, keep_truth=True), path)


def bad_label(
  task: FolderTask, path: Path, found: str, expected: str
) -> ValueError:
  """Return the error of a file that is no label of a task."""
  return ValueError(
    errors.message(
      f"{path} is no label for {task.name!r} ({task.kind})",
      found=found,
      expected=expected,
      do="Convert this file, or delete it to leave its image without a label.",
    )
  )


def _content(path: Path) -> np.ndarray | list[str] | dict[str, np.ndarray]:
  """Return an array, names, or ids with shares."""
  try:
    if path.suffix.lower() == ".txt":
      words = path.read_text(encoding="utf-8").replace(",", "\n").splitlines()
      return _parsed([word.strip() for word in words if word.strip()])
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
      return loaded
    with loaded as archive:
      arrays = {name: archive[name] for name in archive.files}
  except _UNREADABLE as e:
    raise _unreadable(path, f"{type(e).__name__}: {e}") from e
  if set(arrays) == {"ids", "shares"}:
    return arrays
  if len(arrays) != 1:
    raise _unreadable(path, f"arrays {', '.join(arrays)}")
  return next(iter(arrays.values()))


def _numbers_or_names(task: FolderTask, path: Path) -> np.ndarray | list[str]:
  found = _content(path)
  if isinstance(found, dict):
    raise bad_label(task, path, "ids and shares", "one array")
  return found


def _parsed(words: list[str]) -> np.ndarray | list[str]:
  """Return numbers if all words are some, else names; none is no names."""
  try:
    return np.array([float(word) for word in words]) if words else []
  except ValueError:
    return words


def _index(task: FolderTask, name: str, path: Path) -> int:
  if name not in task.classes:
    kind = f"class of {task.name!r} in {path}"
    raise errors.unknown_name(kind, name, task.classes)
  return task.classes.index(name)


def _unreadable(path: Path, found: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} cannot be read",
      found=found,
      expected="a text file, one array, or the arrays `ids` and `shares`",
      do="Replace this file, or delete it to leave its image without this "
      "label.",
    )
  )
