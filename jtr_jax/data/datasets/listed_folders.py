"""Published data with a folder for each task, and lists of every split."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from jtr_jax.data.datasets import listing
from jtr_jax.data.datasets.raw import OnProblem, Row

Place: TypeAlias = tuple[str, str]
"""A folder below the root, and the ending of its files' names."""


class ListedFolders(NamedTuple):
  """Where a distribution has its files.

  Attributes:
    title: the data set, as its users call it.
    subfolders: the root may lie in one of these below the folder that a user
      names, "." for that itself.
    lists: folder of the lists, by which the root is recognised.
    files: "image" or a task -> its places; where several have a file of an
      image, the first counts, and the last is named where none has one.
    obtain: how to get the data.
  """

  title: str
  subfolders: tuple[str, ...]
  lists: str
  files: Mapping[str, tuple[Place, ...]]
  obtain: str

  def find(self, raw: Path) -> Path | None:
    """Return the root, at a path or below it; None if it is not there."""
    roots = (raw / folder for folder in self.subfolders)
    return next((r for r in roots if (r / self.lists).is_dir()), None)

  def require(self, raw: Path) -> Path:
    """Return the root, or raise a `ValueError` that says what was expected."""
    root = self.find(raw)
    if root is None:
      places = itertools.chain.from_iterable(self.files.values())
      folders = [folder for folder, _ in places]
      raise listing.not_found(
        self.title,
        raw,
        (f"{{{','.join(folders)}}}/ID.* and {self.lists}/train.txt",),
        f"{self.obtain}.",
      )
    return root

  def rows(
    self, root: Path, lists: Mapping[str, str], on_problem: OnProblem
  ) -> dict[str, list[Row]]:
    """Return the images of each split, with the files of their labels.

    Args:
      root: the folder that `require` returns.
      lists: name of a split -> name of its list.
      on_problem: called for every missing file.

    Raises:
      ValueError: a list is missing, empty or names an image twice.
    """
    files: dict[str, dict[str, Path]] = {
      key: {
        identifier: path
        for folder, ending in reversed(places)
        for identifier, path in listing.by_ending(root / folder, ending).items()
      }
      for key, places in self.files.items()
    }

    def expected(key: str, identifier: str) -> Path:
      folder, ending = self.files[key][-1]
      return root / folder / (identifier + ending)

    return {
      split: listing.listed_rows(
        listing.read_ids(root / self.lists / f"{name}.txt"),
        files,
        expected=expected,
        on_problem=on_problem,
      )
      for split, name in lists.items()
    }
