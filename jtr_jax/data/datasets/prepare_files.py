"""From the files of a data set to records, at once or part by part."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from absl import logging

import jtr_jax
from jtr_jax.core import errors
from jtr_jax.data.datasets import raw as raw_lib
from jtr_jax.data.datasets.raw import RawDataset
from jtr_jax.data.datasets.readers import Reader
from jtr_jax.data.datasets.resample import Fit, Size
from jtr_jax.data.records import joined, prepared
from jtr_jax.data.records.prepared import Dataset


def prepare_files(
  reader: Reader,
  out: Path,
  *,
  raw: str | os.PathLike[str],
  size: Size | None = None,
  fit: Fit = "stretch",
  overwrite: bool = False,
  **options: Any,
) -> Dataset:
  """Prepare the files of a published data set, or of a user's own.

  A data set of several parts gets a directory for each, below `out`; parts that
  an interrupted preparation has finished are kept.

  Args:
    reader: finds the files.
    out: where to write.
    raw: the folder that holds them.
    size: (H, W) to resize to; by default that of the data set or its images.
    fit: how images of another aspect ratio get this size.
    overwrite: whether to replace a prepared data set.
    **options: of the reader.

  Returns:
    The data set.
  """
  found = reader.scan(Path(raw), **options)
  given = {"raw": os.fspath(raw), "fit": fit, **_texts(options)}
  if isinstance(found, RawDataset):
    return _write(found, out, size, fit, overwrite, given)
  if joined.is_joined(out) and not overwrite:
    raise _taken(out)
  for name, scan in found.parts.items():
    if overwrite or not _is_same(out / name, given, size):
      _write(scan(raw_lib.raise_error), out / name, size, fit, overwrite, given)
  parts = [out / name for name in found.parts]
  return joined.write_joined(out, found.name, parts, overwrite=overwrite)


def about_options(**options: Any) -> dict[str, Any]:
  """Return the options with which data was prepared, from its manifest."""
  return {"options": options, "jtr_jax": jtr_jax.__version__}


def _write(
  found: RawDataset,
  out: Path,
  size: Size | None,
  fit: Fit,
  overwrite: bool,
  given: Mapping[str, Any],
) -> Dataset:
  size = size or found.size or raw_lib.common_size(found)
  for doubt in found.doubts:
    logging.warning("%s", doubt)
  known = {"fingerprint": found.fingerprint} if found.fingerprint else {}
  return prepared.write_dataset(
    out,
    found.name,
    tasks=found.task_options,
    size=size,
    splits={
      split: raw_lib.examples(found, split, size, fit) for split in found.splits
    },
    counts={split: len(rows) for split, rows in found.splits.items()},
    source={"files": dict(found.source)}
    | about_options(**given, size=list(size), **known),
    overwrite=overwrite,
  )


def _is_same(part: Path, given: Mapping[str, Any], size: Size | None) -> bool:
  """Return whether a part was prepared like this before; raise if otherwise."""
  if not prepared.is_prepared(part):
    return False
  manifest = prepared.open_dataset(part).manifest
  before = manifest.source["options"]
  wanted = {key: given[key] for key in ("fit", "partition") if key in given}
  if size:
    wanted["size"] = list(size)
  for key, value in wanted.items():
    if before.get(key) != value:
      raise ValueError(
        errors.message(
          f"{part} was prepared otherwise before",
          found=f"{key} {before.get(key)!r}",
          expected=f"{key} {value!r}",
          do="Give another directory, or prepare it with --overwrite.",
        )
      )
  logging.info("%s is prepared already", part)
  return True


def _taken(out: Path) -> ValueError:
  return ValueError(
    errors.message(
      f"Will not write over {out}",
      found="joined data sets",
      expected="a new directory",
      do="Add --overwrite to replace it.",
    )
  )


def _texts(options: Mapping[str, Any]) -> dict[str, Any]:
  """Return options in a form that JSON keeps."""
  return {
    name: os.fspath(value) if isinstance(value, Path) else value
    for name, value in options.items()
  }
