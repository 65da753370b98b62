"""The label splits that MTPSL and JTR released, as splits keyed by sample id.

* NYUv2 and Cityscapes: a torch file with `labels_weights` f32[N, K]; row i
  belongs to the file `i.npy` of the preprocessed folders that MTAN published.
* PASCAL-Context: a pickled dictionary in a `.npy` file, from each task to the
  image ids that are labelled for it.
"""

import hashlib
import io
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.label_splits.scenarios import (
  LabelSplit,
  require_same_ids,
)
from jtr_jax.tensor_files import restricted_pickle, torch_file

_ROWS_KEY = "labels_weights"
_COLUMNS: Mapping[int, tuple[str, ...]] = {
  2: ("segmentation", "depth"),  # Cityscapes
  3: ("segmentation", "depth", "normals"),  # NYUv2
}
_PASCAL_TASKS: Mapping[str, str] = {
  "semseg": "segmentation",
  "human_parts": "human_parts",
  "normals": "normals",
  "sal": "saliency",
  "edge": "edges",
}


def import_split(
  path: str | os.PathLike[str], ids: Sequence[str], tasks: Sequence[str]
) -> LabelSplit:
  """Return a released split for a data set.

  Args:
    path: a released `.pth` (NYUv2, Cityscapes) or `.npy` (PASCAL-Context) file.
    ids: N sample ids of the data. For `.pth` exactly "0" to "N-1" in any order,
      the file stems of the published folders.
    tasks: the wanted tasks, all or some of the file's.

  Returns:
    The split, rows as `ids` and columns as `tasks`.

  Raises:
    ValueError: the file is damaged, runs code, or does not fit the data.

  Source: MTPSL, `data/*_settings/`; JTR releases the same NYUv2 and Cityscapes
    files.
  """
  source = os.fspath(path)
  if pathlib.Path(path).suffix == ".npy":
    columns = read_pascal_split(path)
    named = sorted(set().union(*columns.values()))
    require_same_ids(named, ids)
    known = {
      _PASCAL_TASKS.get(task, task): np.isin(ids, sorted(images))
      for task, images in columns.items()
    }
  else:
    known = _read_rows(path, ids)
  for task in tasks:
    if task not in known:
      raise errors.unknown_name(f"task of {source}", task, known)
  labelled = np.stack([known[task] for task in tasks], axis=1)
  digest = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
  about = {"scenario": pathlib.Path(path).name, "sha256": digest}
  return LabelSplit(tuple(ids), tuple(tasks), labelled, about)


def read_pascal_split(
  path: str | os.PathLike[str],
) -> dict[str, frozenset[str]]:
  """Return the image ids that a PASCAL-Context split file lists for each task.

  Args:
    path: a `.npy` file with one pickled dictionary from names to lists of
      `numpy.str_`.

  Returns:
    Image ids by task, under the file's task names.

  Raises:
    ValueError: the file is damaged, of another form, or tries to run code.
  """
  source = os.fspath(path)
  stream = io.BytesIO(pathlib.Path(path).read_bytes())
  try:
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
      raise ValueError(f"npy version {version}")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
  except Exception as error:  # a broken header can raise nearly anything
    raise restricted_pickle.broken(source, error) from error
  if shape != () or dtype != np.dtype(object):
    raise restricted_pickle.broken(source, f"{dtype}{list(shape)}")
  array = restricted_pickle.load(stream, _NUMPY_NAMES, source=source)
  content = array.items if isinstance(array, _Array) else None
  if stream.read(1) or not isinstance(content, list) or len(content) != 1:
    raise restricted_pickle.broken(source, "not one object")
  lists = content[0]
  if not isinstance(lists, dict) or not all(
    isinstance(task, str) and _are_texts(images)
    for task, images in lists.items()
  ):
    raise restricted_pickle.broken(source, "no lists of image ids by task")
  return {task: frozenset(images) for task, images in lists.items()}


def _are_texts(values: Any) -> bool:
  return isinstance(values, list) and all(
    isinstance(value, str) for value in values
  )


def _read_rows(
  path: str | os.PathLike[str], ids: Sequence[str]
) -> dict[str, np.ndarray]:
  """Return bool[N] for each task of a `.pth` file, in the order of the ids."""
  source = os.fspath(path)
  tensors = torch_file.read_torch_tensors(path)
  rows = tensors.get(_ROWS_KEY, np.zeros(0))
  if rows.ndim != 2 or rows.shape[1] not in _COLUMNS:
    shapes = {name: list(value.shape) for name, value in tensors.items()}
    raise restricted_pickle.broken(
      source, f"{shapes} instead of {_ROWS_KEY} [images, 2 or 3 tasks]"
    )
  if not np.isin(rows, (0, 1)).all():
    raise restricted_pickle.broken(source, "label weights other than 0 and 1")
  if sorted(ids) != sorted(map(str, range(len(rows)))):
    raise ValueError(
      errors.message(
        f"{source}: the split does not fit the data",
        found=f"{len(ids)} images, such as {', '.join(map(repr, ids[:3]))}",
        expected=f"the ids '0' to '{len(rows) - 1}', the file names of the "
        "preprocessed folders published with MTAN",
        do="Row i of this file belongs to i.npy there, and which photograph "
        "that is was never published: prepare these folders, or make a new "
        "split for your data (python -m jtr_jax.data split make).",
      )
    )
  order = np.array([int(sample) for sample in ids], np.int64)
  columns = _COLUMNS[rows.shape[1]]
  return {task: rows[order, k] == 1 for k, task in enumerate(columns)}


class _DtypeCode:
  """Stands for a numpy dtype in a pickle: its code and byte order."""

  def __init__(self, code: str) -> None:
    self.code = code
    self.order = "|"

  def __setstate__(self, state: Any) -> None:
    self.order = state[1]


class _Array:
  """Stands for an object array in a pickle."""

  items: Any = None

  def __setstate__(self, state: Any) -> None:
    self.items = state[4]


class _MakeDtype:
  """Stands for `numpy.dtype`."""

  __slots__ = ()

  def __call__(self, code: Any, *flags: Any) -> _DtypeCode:
    return _DtypeCode(code)


class _MakeArray:
  """Stands for numpy's `_reconstruct`."""

  __slots__ = ()

  def __call__(self, *arguments: Any) -> _Array:
    return _Array()


class _MakeText:
  """Stands for numpy's `scalar`, for texts only."""

  __slots__ = ()

  def __call__(self, dtype: Any, raw: bytes) -> str:
    if not isinstance(dtype, _DtypeCode) or not dtype.code.startswith("U"):
      raise ValueError("a scalar that is not a text")
    codec = {"<": "utf-32-le", ">": "utf-32-be"}[dtype.order]
    return raw.decode(codec).rstrip("\0")


_NUMPY_NAMES: restricted_pickle.Names = {
  ("numpy", "ndarray"): "ndarray",
  ("numpy", "dtype"): _MakeDtype(),
  **{
    (f"numpy.{core}.multiarray", name): stand_in
    for core in ("core", "_core")
    for name, stand_in in (
      ("_reconstruct", _MakeArray()),
      ("scalar", _MakeText()),
    )
  },
}
