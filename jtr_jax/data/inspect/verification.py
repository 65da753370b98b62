"""Reads a whole data set: what is broken in it, and what is odd."""

from pathlib import Path
from typing import Any, NamedTuple

from jtr_jax.data.inspect import contents as contents_lib
from jtr_jax.data.inspect.doubts import Doubts
from jtr_jax.data.progress_bar import progress


class Verified(NamedTuple):
  """What was found, a text each.

  Attributes:
    problems: files and records that cannot be used.
    warnings: what can be used, and is probably not meant.
  """

  problems: list[str]
  warnings: list[str]


def verify(path: Path, **options: Any) -> Verified:
  """Read everything at a path.

  Args:
    path: a prepared data set or the files of one.
    **options: of the reader that knows the files.

  Raises:
    ValueError: there is nothing of a known layout.
  """
  problems: list[str] = []
  contents = contents_lib.open_contents(
    path, lambda e: problems.append(str(e)), **options
  )
  doubts = Doubts(contents)
  for split, count in contents.counts.items():
    for index in progress(range(count), total=count, what=f"verify {split}"):
      examined = contents.examine(split, index)
      problems += examined.problems
      doubts.see(split, examined.id, examined.arrays)
  return Verified(problems, doubts.lines())
