"""Lists files by sample id, and pairs labels with images."""

import collections
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from jtr_jax.core import errors
from jtr_jax.data.datasets.raw import IMAGE, OnProblem, Row

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


def numbered_rows(
  folder: Path,
  patterns: Mapping[str, str],
  on_problem: OnProblem,
) -> list[Row]:
  """Return images named 0, 1, ... in numeric order, with these names as ids.

  Args:
    folder: of the split.
    patterns: for "image" and each task where its files are, such as
      "depth/*.npy"; the star stands for the number.
    on_problem: called if there are not exactly the numbers 0 to N-1 of each.
  """
  files = {}
  for key, pattern in patterns.items():
    start, _, ending = pattern.partition("*")
    below, _, prefix = start.rpartition("/")
    found = by_ending(folder / below, ending)
    files[key] = {
      name.removeprefix(prefix): path
      for name, path in found.items()
      if name.startswith(prefix)
    }
  names = set().union(*files.values())
  expected = {str(number) for number in range(len(names))}
  missing = [
    patterns[key].replace("*", stem)
    for key in patterns
    for stem in sorted(expected - set(files[key]), key=int)
  ]
  odd = sorted(names - expected)
  if missing or not names:
    on_problem(_gap(folder, patterns, len(names), odd, missing))
  images = files.pop(IMAGE)
  return [
    Row(stem, images[stem], {t: f[stem] for t, f in files.items() if stem in f})
    for stem in sorted(filter(str.isdecimal, images), key=int)
  ]


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
    on_problem: called for every missing file and of labels without an image.
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


def read_ids(path: Path) -> list[str]:
  """Return the sample ids of a published list, one a line.

  Raises:
    ValueError: the list is missing or empty, or names an id twice.
  """
  try:
    lines = path.read_text(encoding="utf-8").split()
  except (OSError, UnicodeDecodeError) as error:
    raise _bad_list(path, f"{type(error).__name__}: {error}") from error
  if not lines:
    raise _bad_list(path, "no id")
  first, count = collections.Counter(lines).most_common(1)[0]
  if count > 1:
    raise _bad_list(path, f"{first} {count} times")
  return lines


def listed_rows(
  ids: Sequence[str],
  files: Mapping[str, Mapping[str, Path]],
  *,
  expected: Callable[[str, str], Path],
  on_problem: OnProblem,
) -> list[Row]:
  """Return the rows of listed images; folders may hold others besides.

  Args:
    ids: of the images, in the order of the rows.
    files: for "image" and each task the files by id.
    expected: ("image" or task, id) -> the file that should be there.
    on_problem: called for every missing file.
  """
  for identifier in ids:
    if identifier not in files[IMAGE]:
      on_problem(missing_file(expected(IMAGE, identifier)))
  images = {i: files[IMAGE][i] for i in ids if i in files[IMAGE]}
  labels = {
    task: {i: found[i] for i in images if i in found}
    for task, found in files.items()
    if task != IMAGE
  }
  return pair(images, labels, expected=expected, on_problem=on_problem)


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


def _gap(
  folder: Path,
  patterns: Mapping[str, str],
  count: int,
  odd: list[str],
  missing: list[str],
) -> ValueError:
  return ValueError(
    errors.message(
      f"{folder}: numbered files are missing",
      found=f"{count} different names ({len(odd)} odd: "
      f"{', '.join(odd[:_SHOWN])}) and {len(missing)} missing files "
      f"({', '.join(missing[:_SHOWN])})",
      expected="0, 1, ... without a gap for each of "
      + ", ".join(patterns.values()),
      do="Download the folders again: rows of the released label splits "
      "are these numbers, so they must be complete.",
    )
  )


def _bad_list(path: Path, found: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} does not list the images of a split",
      found=found,
      expected="one id a line, each once",
      do="Unpack the download again.",
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
