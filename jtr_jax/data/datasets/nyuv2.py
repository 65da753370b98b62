"""NYUv2 from the files that exist of it: 13 or 40 classes, depth, normals.

Two layouts are known and told apart by what lies in the folder:

* the preprocessed folders published with MTAN, which the papers' numbers and
  the released label splits refer to (`nyuv2_mtan`);
* the official `nyu_depth_v2_labeled.mat` with its split and class mappings
  (`nyuv2_official`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from jtr_jax.core import errors
from jtr_jax.data.datasets import mtan_files, nyuv2_mtan
from jtr_jax.data.datasets.nyuv2_classes import CLASSES_13, CLASSES_40
from jtr_jax.data.datasets.raw import OnProblem, RawDataset, raise_error

CLASSES = CLASSES_13
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
WHOLE_FRAME = (0, 0, 480, 640)

Depths: TypeAlias = Literal["depths", "rawDepths"]
"""The official depth maps: holes filled in, or as the camera saw them."""
Classes: TypeAlias = Literal[13, 40]
Crop: TypeAlias = Literal["valid", "none"]
"""The official frames without their white border, or whole."""


def is_here(raw: Path) -> bool:
  """Return whether one of the layouts is at a path."""
  return any(
    _official(folder)[0]
    or (_is_mtan(folder) and mtan_files.has(folder, "normal"))
    for folder in _folders(raw)
  )


def scan(
  raw: Path,
  *,
  depths: Depths = "depths",
  classes: Classes = 13,
  crop: Crop = "valid",
  on_problem: OnProblem = raise_error,
) -> RawDataset:
  """Return NYUv2 from a folder with one of its known layouts.

  Sample ids are the file stems of the MTAN folders ("0", "1", ...), so that the
  released label splits fit, or the official numbers ("0001" to "1449").

  Args:
    raw: the folder, or one that holds it as `nyuv2`.
    depths: official file only: which depth maps.
    classes: official file only: 13, or the 40 they are made of.
    crop: official file only: "valid" cuts off the white border.
    on_problem: called for missing files.

  Returns:
    Splits "train" and "val" (the official test images). By default prepared at
    the size of the MTAN files, 288x384, or 480x640 for whole official frames.

  Raises:
    ValueError: no layout or both are found, a file is missing or broken, or the
      MTAN folders are asked for what they do not have.
  """
  for folder in _folders(raw):
    official = _official(folder)
    if _is_mtan(folder) and official[0]:
      raise ValueError(
        errors.message(
          f"{folder} holds NYUv2 twice",
          found="the MTAN folders and nyu_depth_v2_labeled.mat",
          expected="one of them",
          do="Move one of them away, or point --raw at a folder with one.",
        )
      )
    if _is_mtan(folder):
      _check_only_official(depths=depths, classes=classes, crop=crop)
      return nyuv2_mtan.scan(folder, on_problem=on_problem)
    if all(official):
      # h5py is installed for this layout only.
      from jtr_jax.data.datasets import nyuv2_official

      return nyuv2_official.scan(
        folder,
        depths=depths,
        classes=CLASSES_13 if classes == 13 else CLASSES_40,
        crop=VALID_WINDOW if crop == "valid" else WHOLE_FRAME,
        size=(288, 384) if crop == "valid" else (480, 640),
      )
  raise ValueError(_not_found(raw))


def _folders(raw: Path) -> tuple[Path, ...]:
  return raw, raw / "nyuv2"


def _is_mtan(folder: Path) -> bool:
  of_cityscapes = mtan_files.has(folder, "label_7", "label_19")
  return mtan_files.is_here(folder) and not of_cityscapes


def _official(folder: Path) -> list[bool]:
  return [(folder / name).is_file() for name in OFFICIAL_FILES]


def _check_only_official(**given: Any) -> None:
  """Raise if the MTAN folders are asked for what they do not have."""
  known = {"depths": "depths", "classes": 13, "crop": "valid"}
  for option, value in given.items():
    if value != known[option]:
      raise ValueError(
        errors.message(
          "The NYUv2 folders published with MTAN are prepared as they are",
          found=f"{option} {value!r}",
          expected=f"{option} {known[option]!r}",
          do="Leave the option out, or prepare from the official files.",
        )
      )


def _not_found(raw: Path) -> str:
  """Return the error that says what is missing, and where to get it."""
  lines = ["the folders published with MTAN:"]
  lines += [
    f"  [{'x' if (raw / split / 'image').is_dir() else ' '}] "
    f"{split}/{{image,label,depth,normal}}/0.npy, 1.npy, ..."
    for split in mtan_files.SPLITS
  ]
  lines.append(
    "    download: the nyuv2 link in https://github.com/lorenmt/mtan "
    "(the form that the papers' numbers and released splits refer to)"
  )
  lines.append("or for the official files, all four in one folder:")
  for name, url in OFFICIAL_FILES.items():
    lines.append(f"  [{'x' if (raw / name).is_file() else ' '}] {name}")
    lines.append(f"    download: {url}")
  names = sorted(path.name for path in raw.iterdir()) if raw.is_dir() else []
  return errors.message(
    f"NYUv2 was not found in {raw} (nor in its folder nyuv2)",
    found=", ".join(names[:5]) or "nothing",
    expected="\n".join(lines) + "\n",
    do="Then run: python -m jtr_jax.data prepare nyuv2 --raw=DIR --out=DIR\n"
    "Without NYUv2: the built-in data, --config=...:data=rooms.",
  )
