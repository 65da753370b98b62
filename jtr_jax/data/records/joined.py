"""Several prepared directories as one data set, without copying a record.

`joined.json` in a directory of its own names them. Their splits are put one
after the other; a task that a part does not have is unlabelled in its images.
"""

import bisect
import dataclasses
import itertools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jtr_jax.core import errors, paths
from jtr_jax.data.records import manifest as manifest_lib
from jtr_jax.data.records.dataset import Dataset, Records
from jtr_jax.data.records.manifest import Manifest, Split
from jtr_jax.data.records.stored_form import TaskOptions

FILE_NAME = "joined.json"
FORMAT = "jtr_jax joined data sets"
VERSION = 1


class JoinedSource:
  """Random access to one split of several data sets, one after the other."""

  def __init__(self, sources: Sequence[Records], tasks: Sequence[str]) -> None:
    self._sources = tuple(sources)
    self._ends = list(itertools.accumulate(map(len, sources)))
    self._tasks = tuple(tasks)

  def __len__(self) -> int:
    return self._ends[-1]

  def __getitem__(self, index: int) -> dict[str, Any]:
    """Return `image`, `id` and for each task the stored label or None."""
    if not 0 <= index < len(self):
      raise IndexError(f"record {index} of {len(self)}")
    number = bisect.bisect_right(self._ends, index)
    start = self._ends[number - 1] if number else 0
    return dict.fromkeys(self._tasks) | self._sources[number][index - start]


@dataclasses.dataclass(frozen=True)
class Joined(Dataset):
  """Several prepared data sets that are read as one.

  Attributes:
    parts: the data sets, in order.
  """

  parts: tuple[Dataset, ...]

  def source(self, split: str, tasks: Sequence[str] | None = None) -> Records:
    """Return random access to the records of one split."""
    self.manifest.split(split)
    own = [part for part in self.parts if split in part.manifest.splits]
    sources = [part.source(split, tasks) for part in own]
    names = tuple(self.manifest.tasks) if tasks is None else tasks
    return JoinedSource(sources, names)


def is_joined(directory: Path) -> bool:
  """Return whether a directory names others that are read as one."""
  return (directory / FILE_NAME).is_file()


def write_joined(
  directory: Path, name: str, parts: Sequence[Path], *, overwrite: bool = False
) -> Dataset:
  """Join prepared data sets under a directory of their own.

  Args:
    directory: where `joined.json` is written; it may hold the parts.
    name: of the joined data set.
    parts: prepared directories, in order; they are not copied.
    overwrite: whether to replace what was joined there before.

  Returns:
    The data set.

  Raises:
    ValueError: parts that do not fit each other, or a place that is taken.
  """
  paths.check_folder(directory, "--out")
  path = directory / FILE_NAME
  if (directory / manifest_lib.FILE_NAME).exists():
    raise ValueError(
      errors.message(
        f"Will not join data sets in {directory}",
        found="a prepared data set, which would no longer be read",
        expected="a new directory",
        do="Give another --out.",
      )
    )
  if path.exists() and not overwrite:
    raise ValueError(
      errors.message(
        f"Will not write over {path}",
        found="joined data sets",
        expected="a new directory",
        do="Add --overwrite to replace it.",
      )
    )
  content = {
    "format": FORMAT,
    "version": VERSION,
    "name": name,
    "parts": [os.path.relpath(part, directory) for part in parts],
  }
  opened = _open_parts(parts)
  found = Joined(directory, _merge(name, opened), opened)
  directory.mkdir(parents=True, exist_ok=True)
  text = json.dumps(content, indent=1, ensure_ascii=False)
  path.write_text(text + "\n", encoding="utf-8")
  return found


def open_joined(directory: Path) -> Dataset:
  """Open the data sets that `joined.json` in a directory names.

  Raises:
    ValueError: the file is broken, a part is missing, or parts do not fit.
  """
  path = directory / FILE_NAME
  try:
    content = json.loads(path.read_text(encoding="utf-8"))
    found = (content["format"], content["version"])
    name, places = str(content["name"]), [Path(p) for p in content["parts"]]
  except (OSError, ValueError, KeyError, TypeError) as e:
    raise _broken(path, f"{type(e).__name__}: {e}") from e
  if found != (FORMAT, VERSION) or not places:
    raise _broken(path, f"format {found[0]!r}, version {found[1]!r}")
  parts = _open_parts([directory / place for place in places])
  return Joined(directory, _merge(name, parts), parts)


def _open_parts(places: Sequence[Path]) -> tuple[Dataset, ...]:
  for place in places:
    if not (place / manifest_lib.FILE_NAME).is_file():
      raise ValueError(
        errors.message(
          f"A part of the joined data is missing: {place}",
          found="no manifest.json",
          expected="a prepared data set",
          do="Prepare it, or join the others again without it.",
        )
      )
  return tuple(Dataset(p, manifest_lib.read_manifest(p)) for p in places)


def _merge(name: str, parts: Sequence[Dataset]) -> Manifest:
  """Return the manifest of all parts together."""
  first = parts[0]
  owners: dict[str, tuple[str, TaskOptions]] = {}
  for part in parts:
    if part.manifest.size != first.manifest.size:
      raise ValueError(
        errors.message(
          "Data sets of different sizes cannot be joined",
          found=f"{first.directory} {_times(first.manifest.size)}, "
          f"{part.directory} {_times(part.manifest.size)}",
          expected="one size",
          do="Prepare one of them again, with --size.",
        )
      )
    for task, options in part.manifest.tasks.items():
      place = os.fspath(part.directory)
      owner, known = owners.setdefault(task, (place, options))
      if owner != place:
        manifest_lib.check_same_task(task, {owner: known, place: options})
  tasks = {task: options for task, (_, options) in owners.items()}
  _check_ids(parts)
  names = dict.fromkeys(s for part in parts for s in part.manifest.splits)
  return Manifest(
    name=name,
    size=first.manifest.size,
    tasks=tasks,
    splits={split: _merge_split(split, parts, tuple(tasks)) for split in names},
    source=first.manifest.source
    | {"parts": [os.fspath(part.directory) for part in parts]},
  )


def _merge_split(
  name: str, parts: Sequence[Dataset], tasks: Sequence[str]
) -> Split:
  splits = [p.manifest.splits[name] for p in parts if name in p.manifest.splits]
  return Split(
    tuple(itertools.chain.from_iterable(split.ids for split in splits)),
    {
      task: np.concatenate(
        [s.labelled.get(task, np.zeros(s.size, bool)) for s in splits]
      )
      for task in tasks
    },
  )


def _check_ids(parts: Sequence[Dataset]) -> None:
  """Raise if two parts hold the same image."""
  owners: dict[str, tuple[int, str]] = {}
  for number, part in enumerate(parts):
    for split, rows in part.manifest.splits.items():
      place = f"{part.directory} ({split})"
      for identifier in rows.ids:
        other = owners.setdefault(identifier, (number, place))
        if other != (number, place):
          raise ValueError(
            errors.message(
              f"The joined data sets overlap in image {identifier!r}",
              found=f"it is in {other[1]} and in {place}",
              expected="every id once",
              do="Leave one of them out, or prepare it from files with other "
              "names.",
            )
          )


def _times(size: tuple[int, int]) -> str:
  return f"{size[0]}x{size[1]}"


def _broken(path: Path, found: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} does not name prepared data sets",
      found=found,
      expected=f"format {FORMAT!r}, version {VERSION}, and parts",
      do="Join the data sets again.",
    )
  )
