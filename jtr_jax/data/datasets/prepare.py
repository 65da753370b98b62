"""Prepares data sets: one function each, from what the user has to records."""

import dataclasses
import inspect
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jtr_jax
from jtr_jax.core import errors
from jtr_jax.data.datasets import folder, nyuv2
from jtr_jax.data.datasets.folder import Size
from jtr_jax.data.records import prepared
from jtr_jax.data.records.prepared import Dataset


@dataclasses.dataclass(frozen=True)
class Preparer:
  """How one data set is prepared.

  Attributes:
    prepare: `(out, **options) -> Dataset`.
    automatic: whether a training run may do it by itself.
    obtain: what a user has to do first.
  """

  prepare: Callable[..., Dataset]
  automatic: bool
  obtain: str = ""


def prepare_rooms(
  out: Path,
  *,
  size: Size = (288, 384),
  train: int = 795,
  val: int = 654,
  seed: int = 0,
  workers: int | None = None,
  overwrite: bool = False,
) -> Dataset:
  """Generate the built-in rooms.

  Args:
    out: where to write.
    size: (H, W) in pixels.
    train: number of training images.
    val: number of validation images.
    seed: another seed, other rooms.
    workers: processes that draw; all cores by default.
    overwrite: whether to replace a prepared data set.

  Returns:
    The data set.
  """
  from jtr_jax.data.rooms import generate

  counts = {"train": train, "val": val}
  return prepared.write_dataset(
    out,
    "rooms",
    tasks=generate.TASKS,
    size=size,
    splits={
      split: generate.rooms_examples(seed, split, count, size, workers)
      for split, count in counts.items()
    },
    counts=counts,
    source=_source(size=list(size), **counts, seed=seed),
    overwrite=overwrite,
  )


def prepare_folder(
  out: Path,
  *,
  raw: str | os.PathLike[str],
  size: Size | None = None,
  tasks: str | os.PathLike[str] | None = None,
  overwrite: bool = False,
) -> Dataset:
  """Prepare a user's own folder, see `folder`.

  Args:
    out: where to write.
    raw: the folder.
    size: (H, W) to resize to; by default that of the images.
    tasks: the description of the tasks, if not `raw/tasks.toml`.
    overwrite: whether to replace a prepared data set.

  Returns:
    The data set.
  """
  listed = _scan(raw, tasks)
  size = size or folder.common_size(listed)
  return prepared.write_dataset(
    out,
    "folder",
    tasks={name: task.options for name, task in listed.tasks.items()},
    size=size,
    splits={
      split: folder.examples(listed, split, size) for split in listed.splits
    },
    counts={split: len(rows) for split, rows in listed.splits.items()},
    source=_source(
      raw=os.fspath(raw), size=list(size), fingerprint=listed.fingerprint
    ),
    overwrite=overwrite,
  )


def prepare_nyuv2(
  out: Path,
  *,
  raw: str | os.PathLike[str],
  size: Size | None = None,
  depths: nyuv2.Depths = "depths",
  overwrite: bool = False,
) -> Dataset:
  """Prepare NYUv2, from the MTAN folders or from the official files.

  Args:
    out: where to write.
    raw: the folder that holds them.
    size: (H, W) to resize to; by default that of the MTAN files, or 288x384.
    depths: official files only: "depths" (holes filled in) or "rawDepths".
    overwrite: whether to replace a prepared data set.

  Returns:
    The data set.
  """
  found = nyuv2.read_nyuv2(Path(raw), size=size, depths=depths)
  return prepared.write_dataset(
    out,
    found.name,
    tasks=found.tasks,
    size=found.size,
    splits=found.splits,
    counts=found.counts,
    source={"files": found.source}
    | _source(raw=os.fspath(raw), size=list(found.size), depths=depths),
    overwrite=overwrite,
  )


PREPARERS = {
  "rooms": Preparer(prepare_rooms, automatic=True),
  "folder": Preparer(
    prepare_folder,
    automatic=True,
    obtain="Lay your files out as ROOT/{train,val}/{image,<task>}/<id>.png, "
    "jpg, npy or tif, and tell the root: raw=ROOT",
  ),
  "nyuv2": Preparer(
    prepare_nyuv2,
    automatic=False,
    obtain="Download the nyuv2 folders linked in "
    "https://github.com/lorenmt/mtan, or the official files: "
    + ", ".join(nyuv2.OFFICIAL_FILES),
  ),
}


def ensure_prepared(
  name: str, directory: str | os.PathLike[str], **options: Any
) -> Dataset:
  """Open a prepared data set, preparing it first where that can be done.

  Args:
    name: a key of `PREPARERS`.
    directory: where it lies or will lie.
    **options: keyword arguments of its preparation, all optional where it is
      prepared already; those given must be those it was prepared with.

  Returns:
    The data set.

  Raises:
    ValueError: with the command that prepares it, or with the difference to
      what lies there.
  """
  if name not in PREPARERS:
    raise errors.unknown_name("data set", name, PREPARERS)
  preparer, directory = PREPARERS[name], Path(directory)
  parameters = dict(inspect.signature(preparer.prepare).parameters)
  known = set(parameters) - {"out"}
  for option in options:
    if option not in known:
      raise errors.unknown_name(f"option of data set {name!r}", option, known)
  if prepared.is_prepared(directory):
    dataset = prepared.open_dataset(directory)
    _check_same(name, dataset, options)
    return dataset
  needed = {
    n for n in known if parameters[n].default is inspect.Parameter.empty
  }
  if preparer.automatic and needed <= set(options):
    return preparer.prepare(directory, **options)
  raise ValueError(
    errors.message(
      f"{name} is not prepared",
      found=f"no data set in {directory}",
      expected="what `prepare` writes",
      do=f"{preparer.obtain}. Then run `"
      + prepare_command(name, directory, options)
      + "`. Or train on the built-in data, which needs no download: "
      "--config=configs/nyu_jtr.py:data=rooms",
    )
  )


def prepare_command(name: str, out: Path, options: dict[str, Any]) -> str:
  """Return the shell command that prepares a data set."""
  flags = {"raw": "DIR"} | options if name != "rooms" else options
  words = [f"--{flag}={_text(value)}" for flag, value in flags.items()]
  command = ["python", "-m", "jtr_jax.data", "prepare", name, *words]
  return shlex.join([*command, f"--out={out}"])


def _text(value: Any) -> str:
  return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _check_same(name: str, dataset: Dataset, options: dict[str, Any]) -> None:
  manifest = dataset.manifest
  prepared = {"name": manifest.name} | manifest.source["options"]
  wanted = {"name": name} | {
    key: list(value) if isinstance(value, tuple) else value
    for key, value in options.items()
    if key in prepared and key != "raw" and value is not None
  }
  raw = options.get("raw")
  if name == "folder" and raw is not None and Path(raw).is_dir():
    listed = _scan(raw, options.get("tasks"))
    wanted["fingerprint"] = listed.fingerprint
  for key, value in wanted.items():
    if prepared[key] != value:
      raise ValueError(
        errors.message(
          f"Another data set lies in {dataset.directory}",
          found=f"{key} {prepared[key]!r}",
          expected=f"{key} {value!r}",
          do="Give another directory, or prepare it again: `"
          + prepare_command(name, dataset.directory, options)
          + " --overwrite`.",
        )
      )


def _scan(
  raw: str | os.PathLike[str], tasks: str | os.PathLike[str] | None
) -> folder.Folder:
  return folder.scan(Path(raw), Path(tasks) if tasks is not None else None)


def _source(**options: Any) -> dict[str, Any]:
  return {"options": options, "jtr_jax": jtr_jax.__version__}
