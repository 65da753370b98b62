"""Reads the label files of PASCAL-Context as distributed for five tasks.

Source: Maninis et al. 2019 (ASTMT), `PASCAL_MT` and its released loader.
"""

import functools
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.datasets import image_files, matlab_files, voc_classes
from jtr_jax.data.datasets.folder_tasks import FolderTask
from jtr_jax.metrics import ods_f

PARTS = (
  "background",
  "head",
  "torso",
  "upper arm",
  "lower arm",
  "upper leg",
  "lower leg",
)
_PART_NAMES: Mapping[str, tuple[str, ...]] = {
  "head": (
    *("hair", "head", "lear", "rear", "lebrow", "rebrow", "leye", "reye"),
    *("mouth", "nose"),
  ),
  "torso": ("neck", "torso"),
  "upper arm": ("luarm", "ruarm"),
  "lower arm": ("llarm", "rlarm", "lhand", "rhand"),
  "upper leg": ("luleg", "ruleg"),
  "lower leg": ("llleg", "rlleg", "lfoot", "rfoot"),
}
_PART_ID = {
  name: PARTS.index(part)
  for part, names in _PART_NAMES.items()
  for name in names
}
_NORMALS = FolderTask("normals", "normals")

# Ids of the 459 classes of PASCAL-Context whose normals count: those that NYUv2
# has, too, by name, and tvmonitor.
_WITH_NORMALS = (
  *(3, 4, 6, 9, 10, 11, 13, 15, 17, 18, 22, 23, 29, 30, 33, 34, 36, 37, 38, 39),
  *(41, 43, 46, 49, 50, 51, 53, 55, 56, 59, 61, 62, 65, 66, 68, 69, 72, 73, 78),
  *(83, 84, 85, 87, 88, 95, 96, 101, 104, 105, 107, 111, 113, 115, 122, 124),
  *(135, 141, 142, 143, 146, 150, 154, 157, 158, 159, 165, 172, 174, 181, 183),
  *(184, 191, 193, 195, 197, 199, 202, 213, 215, 216, 219, 220, 223, 225, 228),
  *(230, 232, 233, 238, 239, 242, 243, 246, 250, 251, 252, 255, 260, 261, 263),
  *(269, 272, 273, 275, 281, 283, 284, 285, 286, 287, 288, 290, 291, 292, 293),
  *(295, 304, 307, 309, 310, 314, 315, 319, 323, 329, 330, 331, 336, 342, 345),
  *(349, 350, 351, 352, 355, 357, 368, 370, 371, 374, 379, 380, 383, 384, 397),
  *(401, 403, 405, 407, 408, 411, 412, 413, 414, 417, 419, 421, 423, 427, 429),
  *(430, 432, 440, 441, 442, 443, 444, 446, 454, 457),
)


def read_human_parts(path: Path) -> np.ndarray | None:
  """Return int8[H, W] of a PASCAL-Part annotation, None without people's parts.

  Masks of several people are painted in the order of the file.
  """
  parts: np.ndarray | None = None
  try:
    objects = matlab_files.read(path, "anno")[0, 0][1][0]
    for item in objects:
      if int(item[1].flat[0]) != voc_classes.PERSON or not item[3].size:
        continue
      if parts is None:
        parts = np.zeros(item[2].shape, np.int8)
      for part in item[3][0]:
        parts[part[1].astype(bool)] = _PART_ID[str(part[0][0])]
  except (IndexError, KeyError, TypeError, AttributeError) as error:
    found = f"{type(error).__name__}: {error}"
    raise _broken(path, found, "objects with masks and named parts") from error
  return parts


def read_edges(path: Path) -> np.ndarray:
  """Return int8[H, W, 1]: borders between classes of the label map, thin.

  Where the Laplacian of the class ids is not zero, thinned to lines.
  """
  ids = np.pad(_label_map(path).astype(np.int64), 1, mode="reflect")
  around = ids[:-2, 1:-1] + ids[2:, 1:-1] + ids[1:-1, :-2] + ids[1:-1, 2:]
  edges = ods_f.thin(around != 4 * ids[1:-1, 1:-1])
  return edges[..., None].astype(np.int8)


def read_normals(paths: tuple[Path, Path]) -> np.ndarray:
  """Return unit vectors f16[H, W, 3], NaN for classes without normals.

  Args:
    paths: of the normals and of the label map.
  """
  normals = _NORMALS.decode(image_files.read_label(paths[0]), paths[0])
  known = np.isin(_label_map(paths[1]), _WITH_NORMALS)
  if known.shape != normals.shape[:2]:
    return normals  # its own size is wrong, which is found out elsewhere
  return np.where(known[..., None], normals, np.float16(np.nan))


def read_saliency(path: Path) -> np.ndarray:
  """Return int8[H, W, 1]: whether a stored 8-bit value is above one half."""
  stored = image_files.read_label(path)
  if stored.ndim != 2 or stored.dtype != np.uint8:
    raise _broken(path, f"{stored.dtype}{list(stored.shape)}", "uint8[H, W]")
  return (stored > 127)[..., None].astype(np.int8)


def _label_map(path: Path) -> np.ndarray:
  return _read_label_map(path, os.stat(path).st_mtime_ns)


@functools.lru_cache(maxsize=2)
def _read_label_map(path: Path, changed: int) -> np.ndarray:
  """Return the classes u16[H, W] of an image; two tasks need them."""
  del changed  # a key of the cache
  ids = matlab_files.read(path, "LabelMap")
  if ids.ndim != 2 or ids.dtype.kind not in "iu":
    raise _broken(path, f"{ids.dtype}{list(ids.shape)}", "whole numbers [H, W]")
  return ids


def _broken(path: Path, found: str, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is not a label file of PASCAL-Context",
      found=found,
      expected=expected,
      do="Unpack the download again.",
    )
  )
