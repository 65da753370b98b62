"""Which files of a folder are images or labels, and which are left alone."""

import collections
from collections.abc import Iterable, Sequence
from pathlib import Path

from jtr_jax.data.datasets import image_files

_SHOWN = 3


def data_files(
  folder: Path, suffixes: Sequence[str] = image_files.SUFFIXES
) -> list[Path]:
  """Return the files of a folder that can be read, sorted."""
  if not folder.is_dir():
    return []
  return sorted(p for p in folder.iterdir() if not _why_not(p, suffixes))


def doubts(
  folders: Iterable[Path], suffixes: Sequence[str] = image_files.SUFFIXES
) -> list[str]:
  """Return in words what is left alone: a line for each reason.

  Args:
    folders: of images or labels; those that are not there do not matter.
    suffixes: of the files that can be read.
  """
  ignored = collections.defaultdict(list)
  for folder in filter(Path.is_dir, folders):
    for path in sorted(folder.iterdir()):
      why = _why_not(path, suffixes)
      if why:
        ignored[why].append(path)
  return [f"{why} are ignored: {some(paths)}" for why, paths in ignored.items()]


def some(paths: Sequence[Path]) -> str:
  """Return how many files there are, and the first of them."""
  more = ", ..." if len(paths) > _SHOWN else ""
  return f"{len(paths)}, {', '.join(map(str, paths[:_SHOWN]))}{more}"


def _why_not(path: Path, suffixes: Sequence[str]) -> str:
  """Return as what a file cannot be read, "" if it can."""
  if path.name.startswith("."):
    return "hidden files"
  if path.is_symlink() and not path.exists():
    return "links to nothing"
  if path.is_dir():
    return "folders inside folders of images and labels"
  if not path.is_file():
    return "pipes and devices"
  if path.suffix.lower() not in suffixes:
    kinds = ", ".join(suffix[1:] for suffix in suffixes)
    return f"files that are none of {kinds}"
  return ""
