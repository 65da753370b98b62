"""Cityscapes as it is downloaded: one folder a package, split and city."""

from pathlib import Path

from jtr_jax.data.datasets import cityscapes_files, listing
from jtr_jax.data.datasets.cityscapes_tasks import (
  DISTANCES,
  SPLITS,
  Classes,
  Distance,
  distance_task,
  parts,
  segmentation,
)
from jtr_jax.data.datasets.raw import IMAGE, OnProblem, RawDataset, Row

_CAMERA = "camera"
_FILES = {  # of images, tasks and cameras: package, and ending of the names
  IMAGE: ("leftImg8bit", "_leftImg8bit.png"),
  "segmentation": ("gtFine", "_gtFine_labelIds.png"),
  "part_segmentation": ("gtFinePanopticParts", "_gtFinePanopticParts.tif"),
  "disparity": ("disparity", "_disparity.png"),
  "depth": ("disparity", "_disparity.png"),
  _CAMERA: ("camera", "_camera.json"),
}


def is_here(root: Path) -> bool:
  """Return whether the images exist at a path."""
  return (root / "leftImg8bit").is_dir()


def scan(
  root: Path, classes: Classes, distance: Distance, on_problem: OnProblem
) -> RawDataset:
  """Return the data set, city by city, with the stems of the files as ids.

  Args:
    root: the folder of the packages.
    classes: 19 or 7.
    distance: what becomes of the disparity.
    on_problem: called for every missing file.
  """
  tasks = {"segmentation": segmentation(classes, cityscapes_files.read_classes)}
  if (root / "gtFinePanopticParts").is_dir():
    tasks["part_segmentation"] = parts()
  tasks[DISTANCES[distance].name] = distance_task(distance)
  return RawDataset(
    name="cityscapes",
    tasks=tasks,
    splits={
      split: _rows(root, split, (*tasks,), distance == "depth", on_problem)
      for split in SPLITS
    },
    source={"layout": "original", "distance": distance},
    size=(256, 512),
  )


def _rows(
  root: Path,
  split: str,
  tasks: tuple[str, ...],
  with_cameras: bool,
  on_problem: OnProblem,
) -> list[Row]:
  def path_of(key: str, stem: str) -> Path:
    package, ending = _FILES[key]
    return root / package / split / stem.partition("_")[0] / (stem + ending)

  images, *labels = [
    _of_all_cities(root / _FILES[key][0] / split, _FILES[key][1])
    for key in (IMAGE, *tasks, *([_CAMERA] if with_cameras else []))
  ]
  if not images:
    on_problem(listing.missing_file(root / "leftImg8bit" / split))
  names = (*tasks, _CAMERA) if with_cameras else tasks
  rows = listing.pair(
    images,
    dict(zip(names, labels, strict=True)),
    expected=path_of,
    on_problem=on_problem,
  )
  return [_with_camera(row) for row in rows] if with_cameras else rows


def _of_all_cities(folder: Path, ending: str) -> dict[str, Path]:
  found: dict[str, Path] = {}
  for city in sorted(folder.iterdir()) if folder.is_dir() else []:
    found |= listing.by_ending(city, ending)
  return found


def _with_camera(row: Row) -> Row:
  """Return the row with the camera as a part of where its depth is."""
  labels = dict(row.labels)
  camera, disparity = labels.pop(_CAMERA, None), labels.pop("depth", None)
  if camera and disparity:
    labels["depth"] = (disparity, camera)
  return row._replace(labels=labels)
