"""The images that are to be predicted."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.datasets import image_files


class Input(NamedTuple):
  """One image.

  Attributes:
    name: of its results, without a suffix; may hold folders.
    path: its file.
  """

  name: str
  path: Path


def find(places: Sequence[Path]) -> list[Input]:
  """Return the images in files and folders; every header is read once.

  Args:
    places: files, and folders, which are searched with what is below them.

  Raises:
    ValueError: a place that does not exist or holds no image, a file that is
      no image, or two images whose results would have the same name.
  """
  found = [image for place in places for image in _in_place(place)]
  seen: dict[str, Path] = {}
  for name, path in found:
    if seen.setdefault(name, path) != path:
      raise ValueError(
        errors.message(
          f"Two images would have their results in {name!r}",
          found=f"{seen[name]} and {path}",
          expected="different names",
          do="Give the folder that holds both, or predict them apart.",
        )
      )
  images = [Input(name, path) for name, path in seen.items()]
  for image in images:
    image_files.file_size(image.path)
  return images


def read(path: Path) -> np.ndarray:
  """Return u8[H, W, 3] of a file, upright as its EXIF orientation says.

  Raises:
    ValueError: it cannot be read as an image.
  """
  return image_files.read_image(path, upright=True)


def _in_place(place: Path) -> list[Input]:
  """Return the images of a file or a folder, in the order of their names."""
  if place.is_file():
    return [Input(place.stem, place)]
  if not place.is_dir():
    raise _nothing(place, "nothing there")
  files = [
    path
    for path in sorted(place.rglob("*"))
    if path.suffix.lower() in image_files.SUFFIXES and path.is_file()
  ]
  visible = [
    path
    for path in files
    if not any(p.startswith(".") for p in path.relative_to(place).parts)
  ]
  if not visible:
    raise _nothing(place, "a folder without images")
  return [
    Input(str(path.relative_to(place).with_suffix("")), path)
    for path in visible
  ]


def _nothing(place: Path, found: str) -> ValueError:
  kinds = ", ".join(suffix[1:] for suffix in image_files.SUFFIXES)
  return ValueError(
    errors.message(
      f"There are no images in {place}",
      found=found,
      expected=f"an image, or a folder with {kinds} files",
      do="Correct the path.",
    )
  )
