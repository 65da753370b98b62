"""Writes and opens prepared data sets: array_record files and a manifest."""

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from absl import logging

from jtr_jax.core import errors, paths
from jtr_jax.data.progress_bar import progress
from jtr_jax.data.records import joined, space, stored_form
from jtr_jax.data.records import manifest as manifest_lib
from jtr_jax.data.records.checked_rows import Arrays, CheckedRows
from jtr_jax.data.records.dataset import Dataset
from jtr_jax.data.records.manifest import Manifest
from jtr_jax.data.records.stored_form import TaskOptions


def open_dataset(directory: str | os.PathLike[str]) -> Dataset:
  """Open a prepared data set.

  Args:
    directory: what was given to `prepare` or `join` as `--out`.

  Returns:
    The data set; records are read when asked for.

  Raises:
    ValueError: none is there, or another version wrote it.
  """
  directory = Path(directory)
  if joined.is_joined(directory):
    return joined.open_joined(directory)
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
  """Return whether a directory has finished records."""
  directory = Path(directory)
  single = (directory / manifest_lib.FILE_NAME).is_file()
  return single or joined.is_joined(directory)


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
    ValueError: the place is taken or too small, or an example is not in stored
      form.
    OSError: it cannot be written; nothing of it is left.
  """
  target = paths.check_folder(directory, "The directory").absolute()
  _check_free(target, overwrite=overwrite)
  for task in tasks:
    stored_form.check_task_name(task, f"Task {task!r}")
  space.require(target, tasks, size, counts)
  tables = {split: CheckedRows(split, tasks, size) for split in splits}
  rows = {
    split: tables[split].check(
      progress(examples, total=counts[split], what=f"{name} {split}")
    )
    for split, examples in splits.items()
  }
  with space.clear_errors(target), _partial_directory(target) as partial:
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
  """Yield a temporary directory beside the target."""
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
      else "Choose another directory (--out, or config.data.directory).",
    )
  )


def _move(records: Path, target: Path) -> None:
  """Move the finished records to their place, atomically if it is free."""
  if is_prepared(target):
    target.rename(records.parent / "replaced")
  records.rename(target)
