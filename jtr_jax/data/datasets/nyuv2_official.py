"""NYUv2 from the official `nyu_depth_v2_labeled.mat`.

The file is HDF5 with MATLAB's axes reversed. Beside it lie `splits.mat`
(numbers from 1), `classMapping40.mat` (894 object names -> 40 classes) and
`class13Mapping.mat` (40 -> 13). The official data has no normals: they are
computed from the depth, see `normals_from_depth`.

Every frame is cropped and resized. Segmentation, depth and normals of a pixel
come from one and the same pixel of the frame (the nearest), the image is
antialiased.
"""

import pathlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.io

from jtr_jax.core import errors
from jtr_jax.data.datasets import resample
from jtr_jax.data.datasets.normals_from_depth import Camera, normals_from_depth
from jtr_jax.data.datasets.raw import RawDataset, RawExample

try:
  import h5py
except ImportError as error:
  raise ImportError(
    errors.message(
      "The official NYUv2 files need one more package",
      found=str(error),
      expected="h5py",
      do="Install it: pip install 'jtr_jax[nyuv2]'.",
    )
  ) from error

_MAT = "nyu_depth_v2_labeled.mat"
_FRAME = (480, 640)
_KINECT_RGB = Camera(
  fx=518.85790117450188,
  fy=519.46961112127485,
  cx=325.58244941119034,
  cy=253.73616633400465,
)
"""The colour camera at 640 x 480, into which the labelled depths are projected
(camera_params of the NYU Depth V2 toolbox)."""
_CACHE = 64 << 20  # bytes; a compressed chunk may span several images


class _Reading(NamedTuple):
  """What to do with every frame."""

  mat: pathlib.Path
  depths: str
  crop: tuple[int, int, int, int]
  size: tuple[int, int]
  camera: Camera
  classes: np.ndarray


def read(
  root: pathlib.Path,
  *,
  size: tuple[int, int],
  depths: str,
  crop: tuple[int, int, int, int],
  tasks: dict[str, dict[str, Any]],
) -> RawDataset:
  """Return the data set from the official files in `root`.

  Args:
    root: the folder with the four files.
    size: height and width to resize to.
    depths: "depths" (filled in) or "rawDepths".
    crop: top, left, bottom, right of the part of the frames to keep.
    tasks: descriptions of the tasks.

  Returns:
    Examples in ascending order with the official numbers as ids.

  Raises:
    ValueError: a file has another form than the official one.
  """
  frame, total = _check(root / _MAT, depths)
  top, left, bottom, right = crop
  if not (0 <= top < bottom <= frame[0] and 0 <= left < right <= frame[1]):
    raise ValueError(
      errors.message(
        "The crop is not a part of the frames",
        found=f"top, left, bottom, right = {crop}",
        expected=f"within {frame[0]} rows and {frame[1]} columns",
        do="Leave the crop out to keep the valid window of 480 x 640 frames.",
      )
    )
  camera = _KINECT_RGB.resize(_FRAME, frame).crop(top, left)
  reading = _Reading(
    root / _MAT, depths, crop, size, camera, _class_table(root)
  )
  numbers = _read_splits(root / "splits.mat", total)
  cropped = (bottom - top, right - left)
  return RawDataset(
    name="nyuv2",
    size=size,
    tasks=tasks,
    counts={split: len(chosen) for split, chosen in numbers.items()},
    splits={
      split: _examples(reading, chosen) for split, chosen in numbers.items()
    },
    source={
      "layout": "official",
      "depths": depths,
      "crop": list(crop),
      "camera": camera.resize(cropped, size)._asdict(),
      "normals": "plane fit to the depth; x right, y down, z forward",
    },
  )


def _check(path: pathlib.Path, depths: str) -> tuple[tuple[int, int], int]:
  """Return the frames' size and number, once the arrays fit each other."""
  keys = ("images", depths, "labels")
  try:
    with h5py.File(path, "r") as mat:
      shapes = {key: tuple(mat[key].shape) for key in keys}
  except (OSError, KeyError, AttributeError) as error:
    expected = f"HDF5 with the arrays {', '.join(keys)}"
    raise _broken(path, error, expected) from error
  number, width, height = (*shapes["labels"], 0, 0, 0)[:3]
  plane = (number, width, height)
  if list(shapes.values()) != [(number, 3, width, height), plane, plane]:
    expected = f"images [N, 3, W, H], {depths} and labels [N, W, H]"
    raise _broken(path, shapes, expected)
  return (height, width), number


def _class_table(root: pathlib.Path) -> np.ndarray:
  """Return i8[895]: official object label -> class of 13, -1 for none."""
  path40, path13 = root / "classMapping40.mat", root / "class13Mapping.mat"
  to40 = _load_mat(path40, "mapClass").ravel().astype(np.int64)
  mapping = _load_mat(path13, "classMapping13")
  if mapping.dtype.names is None or "labels13" not in mapping.dtype.names:
    raise _broken(path13, mapping.dtype, "a struct with labels13")
  to13 = np.ravel(mapping["labels13"][0, 0]).astype(np.int64)
  if to40.min() < 1 or to40.max() > len(to13):
    raise _broken(
      path40, f"classes {to40.min()} to {to40.max()}", f"1 to {len(to13)}"
    )
  return np.concatenate([[-1], to13[to40 - 1] - 1]).astype(np.int8)


def _read_splits(path: pathlib.Path, total: int) -> dict[str, np.ndarray]:
  """Return the ascending numbers, counted from 1, of each split."""
  numbers = {
    split: np.unique(_load_mat(path, key)).astype(np.int64)
    for split, key in (("train", "trainNdxs"), ("val", "testNdxs"))
  }
  every = np.concatenate(list(numbers.values()))
  if every.min() < 1 or every.max() > total or len(set(every)) != len(every):
    raise _broken(
      path,
      f"numbers {every.min()} to {every.max()}, "
      f"{len(every) - len(set(every))} of them in both splits",
      f"different numbers from 1 to {total}",
    )
  return numbers


def _load_mat(path: pathlib.Path, key: str) -> np.ndarray:
  expected = f"a MATLAB 5 file with {key}"
  if h5py.is_hdf5(path):
    raise _broken(path, "a MATLAB 7.3 file, which is HDF5", expected)
  try:
    return scipy.io.loadmat(path, variable_names=[key])[key]
  except (
    OSError,
    KeyError,
    ValueError,
    scipy.io.matlab.MatReadError,
  ) as error:
    raise _broken(path, error, expected) from error


def _examples(reading: _Reading, numbers: np.ndarray) -> Iterator[RawExample]:
  top, left, bottom, right = reading.crop
  rows = resample.nearest(bottom - top, reading.size[0])
  columns = resample.nearest(right - left, reading.size[1])
  with h5py.File(reading.mat, "r", rdcc_nbytes=_CACHE) as mat:
    for number in numbers.tolist():
      image = mat["images"][number - 1].transpose(2, 1, 0)
      labels = mat["labels"][number - 1].T[top:bottom, left:right]
      depth = mat[reading.depths][number - 1].T[top:bottom, left:right]
      depth = np.where(np.isfinite(depth) & (depth > 0), depth, np.nan)
      picked = np.ix_(rows, columns)
      normals = normals_from_depth(
        depth, reading.camera, rows=rows, columns=columns
      )
      cropped = np.ascontiguousarray(image[top:bottom, left:right])
      yield (
        f"{number:04d}",
        {
          "image": resample.resize_image(cropped, reading.size),
          "segmentation": _classes(labels[picked], reading, number),
          "depth": depth[picked][..., None].astype(np.float32),
          "normals": normals.astype(np.float16),
        },
      )


def _classes(labels: np.ndarray, reading: _Reading, number: int) -> np.ndarray:
  if labels.max() >= len(reading.classes):
    raise _broken(
      reading.mat,
      f"the object label {labels.max()} in image {number}",
      f"0 to {len(reading.classes) - 1}, as many as classMapping40.mat has",
    )
  return reading.classes[labels]


def _broken(path: pathlib.Path, found: object, expected: object) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is not the official NYUv2 file",
      found=found,
      expected=expected,
      do="Download it again.",
    )
  )
