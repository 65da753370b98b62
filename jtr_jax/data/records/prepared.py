"""Writes and opens prepared data sets: array_record files and a manifest."""

import contextlib
import dataclasses
import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from jtr_jax.core import errors
from jtr_jax.data.progress import progress
from jtr_jax.data.records import manifest as manifest_lib
from jtr_jax.data.records.checked_rows import Arrays, CheckedRows
from jtr_jax.data.records.manifest import Manifest, TaskOptions


@dataclasses.dataclass(frozen=True)
class Dataset:
  """A prepared data set on disk.

  Attributes:
    directory: where it lies.
    manifest: what it says about itself.
  """

  directory: Path
  manifest: Manifest

  def source(self, split: str) -> "Source":
    """Return random access to the records of one split."""
    return Source(self.directory, split, self.manifest)


class BrokenRecordError(ValueError):
  """A record that cannot be read, with the file that holds it.

  Attributes:
    file: name of the array_record file.
    index: position of the record in its split.
    reason: what is wrong.
  """

  def __init__(self, file: Path, split: str, index: int, reason: str) -> None:
    self.file, self.split, self.index, self.reason = file, split, index, reason
    super().__init__(
      errors.message(
        f"Record {index} of split {split!r} cannot be read",
        found=f"{file}: {reason}",
        expected="an unchanged array_record file",
        do="Copy the file again or prepare the data set again; "
        f"`python -m jtr_jax.data verify {file.parent}` names all that broke.",
      )
    )

  def __reduce__(self) -> tuple[Any, ...]:
    return type(self), (self.file, self.split, self.index, self.reason)


class Source:
  """Random access to one split; small when pickled, opened when first read."""

  def __init__(self, directory: Path, split: str, manifest: Manifest) -> None:
    self._directory = directory
    self._split = split
    self._ids = manifest.split(split).ids
    self._labelled = manifest.split(split).labelled
    self._records: Any = None

  def __len__(self) -> int:
    return len(self._ids)

  def __getstate__(self) -> dict[str, Any]:
    return {**self.__dict__, "_records": None}

  def __getitem__(self, index: int) -> dict[str, Any]:
    """Return `image`, `id` and for each task the stored label or None."""
    if not 0 <= index < len(self):
      raise IndexError(f"record {index} of {len(self)}")
    try:
      record = self._open()[index]
    except (RuntimeError, ValueError, OSError) as e:
      raise self._broken(index, str(e)) from e
    found = record["id"].decode()
    if found != self._ids[index]:
      reason = f"it holds {found!r}, the manifest says {self._ids[index]!r}"
      raise self._broken(index, reason)
    labels = {name: _or_none(record[name]) for name in self._labelled}
    for name, label in labels.items():
      if (label is not None) != self._labelled[name][index]:
        reason = f"whether {name} is labelled is not what the manifest says"
        raise self._broken(index, reason)
    return {"image": record["image"], "id": found, **labels}

  def _open(self) -> Any:
    if self._records is None:
      import tensorflow_datasets as tfds

      builder = tfds.builder_from_directory(str(self._directory))
      records = builder.as_data_source(split=self._split)
      if len(records) != len(self):
        raise ValueError(f"{len(records)} records for {len(self)} ids")
      self._records = records
    return self._records

  def _broken(self, index: int, reason: str) -> BrokenRecordError:
    file = self._file_of(index)
    return BrokenRecordError(file, self._split, index, reason)

  def _file_of(self, index: int) -> Path:
    if self._records is None:
      return self._directory / "dataset_info.json"
    files = self._records.dataset_info.splits[self._split].file_instructions
    ends = np.cumsum([file.take for file in files])
    return Path(files[int(np.searchsorted(ends, index, side="right"))].filename)


def _or_none(label: np.ndarray) -> np.ndarray | None:
  return label if label.shape[0] else None


def open_dataset(directory: str | os.PathLike[str]) -> Dataset:
  """Open a prepared data set.

  Args:
    directory: what was given to `prepare` as `--out`.

  Returns:
    The data set; records are read when asked for.

  Raises:
    ValueError: none is there, or another version wrote it.
  """
  directory = Path(directory)
  if not is_prepared(directory):
    state = (
      "a folder without manifest.json" if directory.is_dir() else "nothing"
    )
    raise ValueError(
      errors.message(
        f"There is no prepared data set in {directory}",
        found=state,
        expected="what `prepare` writes",
        do="Prepare one: python -m jtr_jax.data prepare NAME --raw=DIR "
        f"--out={directory}",
      )
    )
  return Dataset(directory, manifest_lib.read_manifest(directory))


def is_prepared(directory: str | os.PathLike[str]) -> bool:
  """Return whether a finished preparation lies in a directory."""
  return (Path(directory) / manifest_lib.FILE_NAME).is_file()


def write_dataset(
  directory: str | os.PathLike[str],
  name: str,
  *,
  tasks: Mapping[str, TaskOptions],
  size: tuple[int, int],
  splits: Mapping[str, Iterable[tuple[str, Arrays]]],
  counts: Mapping[str, int],
  source: Mapping[str, Any],
  overwrite: bool = False,
) -> Dataset:
  """Write a data set, all of it or nothing.

  The files grow in a sibling directory that takes the final name at the end.

  Args:
    directory: where to write; must not exist, or be empty.
    name: which data set.
    tasks: for each task `kind` and options, see `manifest.stored_form`.
    size: (H, W).
    splits: for each split (id, arrays), each read once and in order.
    counts: how many images each split will have.
    source: what the data set is made from, for the manifest.
    overwrite: whether to replace a prepared data set.

  Returns:
    The data set, opened.

  Raises:
    ValueError: the place is taken, or an example is not in stored form.
  """
  target = Path(directory).absolute()
  _check_free(target, overwrite=overwrite)
  tables = {split: CheckedRows(split, tasks, size) for split in splits}
  rows = {
    split: tables[split].check(
      progress(examples, total=counts[split], what=f"{name} {split}")
    )
    for split, examples in splits.items()
  }
  with _partial_directory(target) as partial:
    files = _write_records(partial, tables, rows, counts)
    for split, table in tables.items():
      table.check_count(counts[split])
    manifest = Manifest(
      name=name,
      size=size,
      tasks={task: dict(options) for task, options in tasks.items()},
      splits={split: table.result() for split, table in tables.items()},
      source=dict(source),
    )
    manifest_lib.write_manifest(manifest, files)
    _move(files, target)
  return open_dataset(target)


@contextlib.contextmanager
def _partial_directory(target: Path) -> Iterator[Path]:
  """Give a directory beside the target that does not outlive the block."""
  target.parent.mkdir(parents=True, exist_ok=True)
  prefix = f".{target.name}.partial-"
  for left in target.parent.glob(prefix + "*"):
    logging.warning("Left by an interrupted preparation, delete it: %s", left)
  partial = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
  try:
    yield partial
  finally:
    shutil.rmtree(partial, ignore_errors=True)


def _write_records(
  partial: Path,
  tables: Mapping[str, CheckedRows],
  rows: Mapping[str, Iterable[dict[str, Any]]],
  counts: Mapping[str, int],
) -> Path:
  """Return the directory that the builder made below `partial`."""
  import tensorflow_datasets as tfds

  from jtr_jax.data.records import tfds_builder as builder_lib

  forms = next(iter(tables.values())).forms
  splits = {s: builder_lib.SplitRows(rows[s], counts[s]) for s in rows}
  builder = builder_lib.Records(
    forms=forms, splits=splits, data_dir=str(partial)
  )
  tfds.disable_progress_bar()  # its bars do not know how many will come
  with contextlib.redirect_stdout(io.StringIO()):  # it prints two lines
    builder.download_and_prepare()
  return Path(builder.data_path)


def _check_free(target: Path, *, overwrite: bool) -> None:
  if not target.exists() or (target.is_dir() and not any(target.iterdir())):
    return
  if is_prepared(target) and overwrite:
    return
  raise ValueError(
    errors.message(
      f"Will not write over {target}",
      found="a prepared data set" if is_prepared(target) else "other files",
      expected="a new or empty directory",
      do="Add --overwrite to replace it."
      if is_prepared(target)
      else "Choose another --out.",
    )
  )


def _move(records: Path, target: Path) -> None:
  """Give the finished records their place, in one step if it is free."""
  if is_prepared(target):
    target.rename(records.parent / "replaced")
  records.rename(target)
