"""Prepares data sets: from the user's files to records."""

import dataclasses
import functools
import inspect
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jtr_jax.core import docstrings, errors
from jtr_jax.data.datasets import folder, folder_description
from jtr_jax.data.datasets.prepare_files import about_options, prepare_files
from jtr_jax.data.datasets.readers import READERS, Reader
from jtr_jax.data.datasets.resample import Size
from jtr_jax.data.records import prepared
from jtr_jax.data.records.prepared import Dataset
from jtr_jax.data.records.stored_form import TaskOptions

_NOT_COMPARED = ("raw", "tasks", "overwrite", "workers")
"""Options that do not decide what is in the records: files may move, and the
fingerprint of a folder covers its description."""


@dataclasses.dataclass(frozen=True)
class Preparer:
  """How one data set is prepared.

  Attributes:
    title: what it is, in one line.
    prepare: `(out, **options) -> Dataset`.
    options: the options, by name.
    automatic: whether a training run may do it by itself.
    obtain: what a user has to do first.
    sources: the functions whose docstrings say what the options are.
  """

  title: str
  prepare: Callable[..., Dataset]
  options: Mapping[str, inspect.Parameter]
  automatic: bool
  obtain: str = ""
  sources: tuple[Callable[..., Any], ...] = ()

  @property
  def help(self) -> dict[str, str]:
    """What each option is, from the docstrings."""
    texts: dict[str, str] = {}
    for function in self.sources:
      texts |= docstrings.arguments(function)
    return {name: texts[name] for name in self.options}


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
    source=about_options(size=list(size), **counts, seed=seed),
    overwrite=overwrite,
  )


def of_reader(reader: Reader) -> Preparer:
  """Return the preparer of a reader."""
  own = {"reader", "out", "options"}
  common = inspect.signature(prepare_files).parameters
  options = {n: p for n, p in common.items() if n not in own} | dict(
    reader.options
  )
  return Preparer(
    reader.title,
    functools.partial(prepare_files, reader),
    options,
    reader.automatic,
    reader.obtain,
    (prepare_files, reader.scan),
  )


PREPARERS: Mapping[str, Preparer] = {
  "rooms": Preparer(
    "The built-in rooms, generated: no download.",
    prepare_rooms,
    {
      name: parameter
      for name, parameter in inspect.signature(prepare_rooms).parameters.items()
      if name != "out"
    },
    automatic=True,
    sources=(prepare_rooms,),
  ),
  **{name: of_reader(reader) for name, reader in READERS.items()},
}


def ensure_prepared(
  name: str,
  directory: str | os.PathLike[str],
  *,
  own_preparer: Preparer | None = None,
  **options: Any,
) -> Dataset:
  """Open a prepared data set, preparing it first where that can be done.

  Args:
    name: a key of `PREPARERS`.
    directory: of the records, now or afterwards.
    own_preparer: of the user's own, if the name is none of the keys.
    **options: keyword arguments of its preparation, all optional where it is
      prepared already; those given must be those it was prepared with.

  Returns:
    The data set.

  Raises:
    ValueError: with the command that prepares it, or with the difference to
      what is there.
  """
  if name not in PREPARERS and not own_preparer:
    raise errors.unknown_name("data set", name, PREPARERS)
  preparer, directory = own_preparer or PREPARERS[name], Path(directory)
  for option in options:
    if option not in preparer.options:
      raise errors.unknown_name(
        f"option of data set {name!r}", option, preparer.options
      )
  if prepared.is_prepared(directory):
    dataset = prepared.open_dataset(directory)
    _check_same(name, preparer, dataset, options)
    return dataset
  needed = {
    n
    for n, parameter in preparer.options.items()
    if parameter.default is inspect.Parameter.empty
  }
  if preparer.automatic and needed <= set(options):
    return preparer.prepare(directory, **options)
  raise ValueError(
    errors.message(
      f"{name} is not prepared",
      found=f"no data set in {directory}",
      expected="what `prepare` writes",
      do=f"{preparer.obtain}."
      if own_preparer
      else f"{preparer.obtain}. Then run `"
      + prepare_command(name, directory, options)
      + "`. Or train on the built-in data, which needs no download: "
      "--config=configs/nyu_jtr.py:data=rooms",
    )
  )


def known_tasks(
  name: str, directory: Path, raw: str = ""
) -> Mapping[str, TaskOptions] | None:
  """Return the tasks that a data set has, or would have once it is prepared.

  Args:
    name: of the data set.
    directory: where it lies or will lie.
    raw: the user's files.

  Returns:
    Task name -> `kind` and options; None where only the preparation tells.
  """
  if prepared.is_prepared(directory):
    return prepared.open_dataset(directory).manifest.tasks
  if name == "rooms":
    from jtr_jax.data.rooms import generate

    return generate.TASKS
  described = Path(raw) / folder_description.FILE_NAME
  if name == "folder" and raw and described.is_file():
    found = folder_description.read_tasks(described)
    return {task: own.options for task, own in found.items()}
  return None


def prepare_command(name: str, out: Path, options: dict[str, Any]) -> str:
  """Return the shell command that prepares a data set."""
  flags = {"raw": "DIR"} | options if name != "rooms" else options
  words = [f"--{flag}={_text(value)}" for flag, value in flags.items()]
  command = ["python", "-m", "jtr_jax.data", "prepare", name, *words]
  return shlex.join([*command, f"--out={out}"])


def _text(value: Any) -> str:
  return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _check_same(
  name: str, preparer: Preparer, dataset: Dataset, options: dict[str, Any]
) -> None:
  """Raise if a data set was prepared from something else than is asked for."""
  manifest = dataset.manifest
  usual = {n: p.default for n, p in preparer.options.items()}
  before = manifest.source.get("options", {})
  found = {**usual, "name": manifest.name, **before}
  wanted = ({"name": name} if name in PREPARERS else {}) | {
    key: list(value) if isinstance(value, tuple) else value
    for key, value in options.items()
    if key not in _NOT_COMPARED and value is not None
  }
  do = "Give another directory, or delete this one."
  if name in PREPARERS:
    again = prepare_command(name, dataset.directory, options)
    do = "Give another directory, or prepare it again: "
    do += f"`{again} --overwrite`."
  if name == "folder" and options.get("raw") is not None:
    _check_files(dataset, options, before, do)
  for key, value in wanted.items():
    if found.get(key) != value:
      raise ValueError(
        errors.message(
          f"Another data set lies in {dataset.directory}",
          found=f"{key} {found.get(key)!r}",
          expected=f"{key} {value!r}",
          do=do,
        )
      )


def _check_files(
  dataset: Dataset,
  options: Mapping[str, Any],
  before: Mapping[str, Any],
  do: str,
) -> None:
  """Raise unless records are those of a user's folder as it is now.

  A folder that is gone is accepted if it is the one they were prepared from.
  """
  raw = Path(options["raw"])
  if not raw.is_dir():
    if before.get("raw") in (None, os.fspath(raw)):
      return
    raise ValueError(
      errors.message(
        f"There is no folder {raw}",
        found=f"records of {before['raw']!r} in {dataset.directory}",
        expected="the folder that these records were prepared from",
        do="Correct raw=, or give another directory=.",
      )
    )
  listed = folder.scan(raw, tasks=options.get("tasks"))
  if before.get("fingerprint") != listed.fingerprint:
    raise ValueError(
      errors.message(
        f"The files in {raw} are not those of the records in "
        f"{dataset.directory}",
        found="files or tasks.toml that were changed, or another folder",
        expected=f"{before.get('raw')!r} as it was prepared",
        do=do,
      )
    )
