"""NYUv2 from the official `nyu_depth_v2_labeled.mat`.

The file is HDF5 with MATLAB's axes reversed. Beside it lie `splits.mat`
(numbers from 1), `classMapping40.mat` (894 object names -> 40 classes) and
`class13Mapping.mat` (40 -> 13). The official data has no normals: they are
computed from the depth, see `normals_from_depth`.

Every frame is cropped and resized. Segmentation, depth and normals of a pixel
come from one and the same pixel of the frame (the nearest), the image is
antialiased.
"""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.datasets import matlab_files, resample
from jtr_jax.data.datasets.normals_from_depth import Camera, normals_from_depth
from jtr_jax.data.datasets.raw import RawDataset, RawTask, Row
from jtr_jax.data.datasets.resample import Size

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

Crop = tuple[int, int, int, int]
"""Top, left, bottom, right of the part of the frames to keep."""


@dataclasses.dataclass
class _Frames:
  """Reads cropped frames; opens the file when first asked.

  Attributes:
    mat: the file.
    depths: name of the depth maps.
    crop: the part to keep.
    camera: of the cropped frames.
    classes: i8[895], official object label -> class, -1 for none.
  """

  mat: Path
  depths: str
  crop: Crop
  camera: Camera
  classes: np.ndarray

  def __getstate__(self) -> dict[str, Any]:
    """Return all but the open file."""
    return {k: v for k, v in self.__dict__.items() if k != "_file"}

  @functools.cached_property
  def _file(self) -> Any:
    return h5py.File(self.mat, "r", rdcc_nbytes=_CACHE)

  @property
  def size(self) -> Size:
    """(H, W) of the cropped frames."""
    top, left, bottom, right = self.crop
    return bottom - top, right - left

  def image_size(self, place: tuple[Path, int]) -> Size:
    """Return the size of every frame."""
    del place
    return self.size

  def image(self, place: tuple[Path, int]) -> np.ndarray:
    """Return u8[H, W, 3]."""
    return np.ascontiguousarray(self._cropped("images", place))

  def segmentation(self, place: tuple[Path, int]) -> np.ndarray:
    """Return class ids int8[H, W]."""
    labels = self._cropped("labels", place)
    if labels.max() >= len(self.classes):
      raise _broken(
        self.mat,
        f"the object label {labels.max()} in image {place[1]}",
        f"0 to {len(self.classes) - 1}, as many as classMapping40.mat has",
      )
    return self.classes[labels]

  def depth(self, place: tuple[Path, int]) -> np.ndarray:
    """Return metres f32[H, W, 1]."""
    return self._metres(place)[..., None].astype(np.float32)

  def normals(self, place: tuple[Path, int]) -> np.ndarray:
    """Return unit vectors f16[H, W, 3]."""
    return self.normals_at(place, self.size)

  def normals_at(self, place: tuple[Path, int], size: Size) -> np.ndarray:
    """Return the normals of the pixels that resizing would pick."""
    return normals_from_depth(
      self._metres(place),
      self.camera,
      rows=resample.nearest(self.size[0], size[0]),
      columns=resample.nearest(self.size[1], size[1]),
    ).astype(np.float16)

  def _metres(self, place: tuple[Path, int]) -> np.ndarray:
    depth = self._cropped(self.depths, place)
    return np.where(np.isfinite(depth) & (depth > 0), depth, np.nan)

  def _cropped(self, key: str, place: tuple[Path, int]) -> np.ndarray:
    top, left, bottom, right = self.crop
    try:
      frame = self._file[key][place[1] - 1]
    except OSError as error:
      expected = f"{key} of image {place[1]}"
      raise _broken(self.mat, error, expected) from error
    return frame.T[top:bottom, left:right]


def scan(
  root: Path, *, depths: str, classes: tuple[str, ...], crop: Crop, size: Size
) -> RawDataset:
  """Return the data set from the official files in `root`.

  Args:
    root: the folder with the four files.
    depths: "depths" (filled in) or "rawDepths".
    classes: names of the 13 or 40 classes.
    crop: the part of the frames to keep.
    size: to prepare at unless the user says otherwise.

  Returns:
    Images in ascending order with the official numbers as ids.

  Raises:
    ValueError: a file has another form than the official one.
  """
  mat = root / _MAT
  frame, total = _check(mat, depths)
  _check_crop(crop, frame)
  camera = _KINECT_RGB.resize(_FRAME, frame).crop(*crop[:2])
  frames = _Frames(mat, depths, crop, camera, _class_table(root, len(classes)))
  numbers = _read_splits(root / "splits.mat", total)
  options = {"kind": "segmentation", "classes": list(classes)}
  tasks = {
    "segmentation": RawTask(options, frames.segmentation),
    "depth": RawTask({"kind": "depth"}, frames.depth),
    "normals": RawTask({"kind": "normals"}, frames.normals, frames.normals_at),
  }
  return RawDataset(
    name="nyuv2",
    tasks=tasks,
    splits={
      split: [
        Row(f"{n:04d}", (mat, n), dict.fromkeys(tasks, (mat, n)))
        for n in chosen.tolist()
      ]
      for split, chosen in numbers.items()
    },
    source={
      "layout": "official",
      "depths": depths,
      "crop": list(crop),
      "camera": camera._asdict(),
      "camera_size": list(frames.size),
      "normals": "plane fit to the depth; x right, y down, z forward",
    },
    size=size,
    read_image=frames.image,
    image_size=frames.image_size,
  )


def _check_crop(crop: Crop, frame: Size) -> None:
  top, left, bottom, right = crop
  if not (0 <= top < bottom <= frame[0] and 0 <= left < right <= frame[1]):
    raise ValueError(
      errors.message(
        "The crop is not a part of the frames",
        found=f"top, left, bottom, right = {crop}",
        expected=f"within {frame[0]} rows and {frame[1]} columns",
        do="Use the published frames of 480 x 640 pixels.",
      )
    )


def _check(path: Path, depths: str) -> tuple[tuple[int, int], int]:
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


def _class_table(root: Path, classes: int) -> np.ndarray:
  """Return i8[895]: official object label -> class, -1 for none."""
  path40, path13 = root / "classMapping40.mat", root / "class13Mapping.mat"
  to40 = matlab_files.read(path40, "mapClass").ravel().astype(np.int64)
  if classes == 40 and to40.min() >= 1 and to40.max() <= 40:
    return np.concatenate([[-1], to40 - 1]).astype(np.int8)
  mapping = matlab_files.read(path13, "classMapping13")
  if mapping.dtype.names is None or "labels13" not in mapping.dtype.names:
    raise _broken(path13, mapping.dtype, "a struct with labels13")
  to13 = np.ravel(mapping["labels13"][0, 0]).astype(np.int64)
  if to40.min() < 1 or to40.max() > len(to13):
    raise _broken(
      path40, f"classes {to40.min()} to {to40.max()}", f"1 to {len(to13)}"
    )
  return np.concatenate([[-1], to13[to40 - 1] - 1]).astype(np.int8)


def _read_splits(path: Path, total: int) -> dict[str, np.ndarray]:
  """Return the ascending numbers, counted from 1, of each split."""
  numbers = {
    split: np.unique(matlab_files.read(path, key)).astype(np.int64)
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


def _broken(path: Path, found: object, expected: object) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is not the official NYUv2 file",
      found=found,
      expected=expected,
      do="Download it again.",
    )
  )
