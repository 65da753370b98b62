"""Lists files by sample id, and pairs labels with images."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from jtr_jax.core import errors
from jtr_jax.data.datasets.raw import OnProblem, Row

_SHOWN = 5  # how many names an error message lists


def by_ending(directory: Path, ending: str) -> dict[str, Path]:
  """Return the files whose names end so, by the rest of the name, sorted.

  Args:
    directory: the folder; without it there is no file.
    ending: of the names, such as "_disparity.png".
  """
  if not directory.is_dir():
    return {}
  with os.scandir(directory) as entries:
    names = [entry.name for entry in entries]
  return {
    name.removesuffix(ending): directory / name
    for name in sorted(names)
    if name.endswith(ending) and not name.startswith(".")
  }


def numbered(files: Mapping[str, Path]) -> dict[str, Path]:
  """Return files named by a number, in the order of the numbers."""
  numbers = [name for name in files if name.isdecimal()]
  return {name: files[name] for name in sorted(numbers, key=int)}


def pair(
  images: Mapping[str, Path],
  labels: Mapping[str, Mapping[str, Path]],
  *,
  expected: Callable[[str, str], Path],
  on_problem: OnProblem,
) -> list[Row]:
  """Return a row for each image of a published data set, where none may lack.

  Args:
    images: image files by id, in the order of the rows.
    labels: for each task its label files by id.
    expected: (task, id) -> the file that should be there, for messages.
    on_problem: told of every missing file and of labels without an image.
  """
  for task, files in labels.items():
    for identifier in files:
      if identifier not in images:
        on_problem(_without_image(files[identifier]))
    for identifier in images:
      if identifier not in files:
        on_problem(missing_file(expected(task, identifier)))
  return [
    Row(
      identifier,
      image,
      {
        t: files[identifier]
        for t, files in labels.items()
        if identifier in files
      },
    )
    for identifier, image in images.items()
  ]


def missing_file(path: Path) -> ValueError:
  """Return the error for a file that a complete download has."""
  return ValueError(
    errors.message(
      f"{path} is missing",
      found="the other files of this image",
      expected="every file of the published data",
      do="Complete the download or unpacking.",
    )
  )


def not_found(
  name: str, raw: Path, looked_for: Iterable[str], do: str
) -> ValueError:
  """Return the error for a folder in which no known layout was found.

  Args:
    name: the data set, as its users call it.
    raw: the folder that was given.
    looked_for: patterns of the files of each known layout.
    do: where to get them.
  """
  content: Sequence[str] = (
    sorted(p.name for p in raw.iterdir())
    if raw.is_dir()
    else ["no such folder"]
  )
  shown = ", ".join(content[:_SHOWN]) or "an empty folder"
  more = ", ..." if len(content) > _SHOWN else ""
  return ValueError(
    errors.message(
      f"{name} was not found in {raw}",
      found=shown + more,
      expected="one of: " + "; ".join(looked_for),
      do=do,
    )
  )


def _without_image(path: Path) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} has no image",
      found="a label file alone",
      expected="an image of the same name",
      do="Complete the download or unpacking, or delete the label.",
    )
  )
