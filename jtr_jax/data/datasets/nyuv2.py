"""NYUv2 from the files that exist of it: 13 classes, depth, surface normals.

Two layouts are known and told apart by what lies in the folder:

* the preprocessed folders published with MTAN, which the papers' numbers and
  the released label splits refer to (`nyuv2_mtan`);
* the official `nyu_depth_v2_labeled.mat` with its split and class mappings
  (`nyuv2_official`).
"""

import pathlib
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from jtr_jax.core import errors
from jtr_jax.data.datasets import nyuv2_mtan
from jtr_jax.data.datasets.raw import RawDataset

CLASSES = (
  "bed",
  "books",
  "ceiling",
  "chair",
  "floor",
  "furniture",
  "objects",
  "picture",
  "sofa",
  "table",
  "tv",
  "wall",
  "window",
)
TASKS: dict[str, dict[str, Any]] = {
  "segmentation": {"kind": "segmentation", "classes": list(CLASSES)},
  "depth": {"kind": "depth"},
  "normals": {"kind": "normals"},
}
OFFICIAL_FILES: Mapping[str, str] = {
  "nyu_depth_v2_labeled.mat": "http://horatio.cs.nyu.edu/mit/silberman/"
  "nyu_depth_v2/nyu_depth_v2_labeled.mat (2.8 GB)",
  "splits.mat": "http://horatio.cs.nyu.edu/mit/silberman/indoor_seg_sup/"
  "splits.mat",
  "classMapping40.mat": "https://github.com/ankurhanda/nyuv2-meta-data",
  "class13Mapping.mat": "https://github.com/ankurhanda/nyuv2-meta-data",
}
VALID_WINDOW = (44, 40, 471, 601)
"""Top, left, bottom, right of the official frames without their white border
(rows 45:471 and columns 41:601 in MATLAB's counting)."""

Depths: TypeAlias = Literal["depths", "rawDepths"]
"""The official depth maps: holes filled in, or as the camera saw them."""


def read_nyuv2(
  raw: pathlib.Path,
  *,
  size: tuple[int, int] | None = None,
  depths: Depths = "depths",
  crop: tuple[int, int, int, int] = VALID_WINDOW,
) -> RawDataset:
  """Return NYUv2 from a folder with one of its known layouts.

  Sample ids are the file stems of the MTAN folders ("0", "1", ...), so that the
  released label splits fit, or the official numbers ("0001" to "1449").

  Args:
    raw: the folder, or one that holds it as `nyuv2`.
    size: height and width to resize to; by default the size of the MTAN files,
      and 288 x 384 for the official file.
    depths: official file only: which depth maps.
    crop: official file only: top, left, bottom, right of the part to keep.

  Returns:
    Splits "train" and "val" (the official test images), read lazily.

  Raises:
    ValueError: no layout or both are found, or a file is missing or broken.
  """
  for folder in (raw, raw / "nyuv2"):
    mtan = any((folder / s / "image").is_dir() for s in nyuv2_mtan.SPLITS)
    official = [(folder / name).is_file() for name in OFFICIAL_FILES]
    if mtan and official[0]:
      raise ValueError(
        errors.message(
          f"{folder} holds NYUv2 twice",
          found="the MTAN folders and nyu_depth_v2_labeled.mat",
          expected="one of them",
          do="Move one of them away, or point --raw at a folder with one.",
        )
      )
    if mtan:
      return nyuv2_mtan.read(folder, size=size, tasks=TASKS)
    if all(official):
      # h5py is installed for this layout only.
      from jtr_jax.data.datasets import nyuv2_official

      return nyuv2_official.read(
        folder, size=size or (288, 384), depths=depths, crop=crop, tasks=TASKS
      )
  raise ValueError(_not_found(raw))


def _not_found(raw: pathlib.Path) -> str:
  """Return what was looked for, what is there, and where to get the rest."""
  lines = [f"NYUv2 was not found in {raw} (nor in its folder nyuv2)."]
  lines.append("Looked for the folders published with MTAN:")
  lines += [
    f"  [{'x' if (raw / split / 'image').is_dir() else ' '}] "
    f"{split}/{{{','.join(nyuv2_mtan.FOLDERS.values())}}}/0.npy, 1.npy, ..."
    for split in nyuv2_mtan.SPLITS
  ]
  lines.append(
    "    download: the nyuv2 link in https://github.com/lorenmt/mtan "
    "(the form that the papers' numbers and released splits refer to)"
  )
  lines.append("or for the official files, all four in one folder:")
  for name, url in OFFICIAL_FILES.items():
    lines.append(f"  [{'x' if (raw / name).is_file() else ' '}] {name}")
    lines.append(f"    download: {url}")
  lines.append(
    "Then run: python -m jtr_jax.data prepare nyuv2 --raw=DIR --out=DIR"
  )
  lines.append("Without NYUv2: the built-in data, --config=...:data=rooms.")
  return "\n".join(lines)
