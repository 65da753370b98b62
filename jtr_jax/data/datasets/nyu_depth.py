"""Frames of NYUv2 with depth alone, of which there are tens of thousands.

Two layouts are known: the `.h5` files of FastDepth (47,584 and 654), which the
depth-extended row of the JTR paper has, and the synchronised frames of BTS with
their lists (24,231 and 654), which AMTL has.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.datasets import image_files, listing
from jtr_jax.data.datasets.raw import (
  OnProblem,
  RawDataset,
  RawTask,
  Row,
  raise_error,
)

OBTAIN = (
  "Download nyudepthv2.tar.gz from "
  "http://datasets.lids.mit.edu/fastdepth/data/ (32 GB), or the synchronised "
  "frames linked in https://github.com/cleinc/bts"
)

_BTS = {  # split -> list, and folder that its paths begin in
  "train": ("nyudepthv2_train_files_with_gt.txt", "sync"),
  "val": ("nyudepthv2_test_files_with_gt.txt", "official_splits/test"),
}
_PER_METRE = 1000
_NO_DEPTH = "None"  # in a list: the frame has no depth


def is_here(raw: Path) -> bool:
  """Return whether one of the layouts is at a path."""
  return _fastdepth(raw) is not None or _bts(raw) is not None


def scan(raw: Path, *, on_problem: OnProblem = raise_error) -> RawDataset:
  """Return the frames.

  Args:
    raw: the folder; of FastDepth's files also one that holds `nyudepthv2`.
    on_problem: called for every missing file.

  Returns:
    Splits "train" and "val", at their own size, 480x640, unless the user says
    otherwise. Ids are scene and number.

  Raises:
    ValueError: no layout is found, or a list is broken.
  """
  root = _fastdepth(raw)
  if root is not None:
    return RawDataset(
      name="nyu_depth",
      tasks={"depth": RawTask({"kind": "depth"}, _read_h5_depth)},
      splits={s: _h5_rows(root / s, on_problem) for s in ("train", "val")},
      source={"layout": "fastdepth"},
      read_image=_read_h5_image,
      image_size=_h5_size,
    )
  root = _bts(raw)
  if root is not None:
    return RawDataset(
      name="nyu_depth",
      tasks={"depth": RawTask({"kind": "depth"}, _read_millimetres)},
      splits={
        split: _listed_rows(root / name, root / folder, on_problem)
        for split, (name, folder) in _BTS.items()
      },
      source={"layout": "bts"},
    )
  raise listing.not_found(
    "NYUv2 depth",
    raw,
    (
      "nyudepthv2/train/<scene>/00001.h5 and nyudepthv2/val/official/*.h5",
      f"{_BTS['train'][0]} and sync/<scene>/*",
    ),
    OBTAIN + ".",
  )


def _fastdepth(raw: Path) -> Path | None:
  folders = (raw, raw / "nyudepthv2")
  return next((f for f in folders if (f / "val/official").is_dir()), None)


def _bts(raw: Path) -> Path | None:
  return raw if (raw / _BTS["train"][0]).is_file() else None


def _h5_rows(folder: Path, on_problem: OnProblem) -> list[Row]:
  scenes = sorted(folder.iterdir()) if folder.is_dir() else []
  rows = [
    Row(f"{scene.name}_{stem}", path, {"depth": path})
    for scene in scenes
    for stem, path in listing.by_ending(scene, ".h5").items()
  ]
  if not rows:
    on_problem(listing.missing_file(folder / "*" / "*.h5"))
  return rows


def _listed_rows(path: Path, folder: Path, on_problem: OnProblem) -> list[Row]:
  """Return the rows of a list: image, depth and focal length in each line."""
  rows = []
  for number, line in enumerate(_lines(path), start=1):
    words = line.split()
    if len(words) != 3:
      raise _bad_line(path, number, line)
    image, depth = (folder / word.lstrip("/") for word in words[:2])
    if not image.is_file():
      on_problem(listing.missing_file(image))
      continue
    labels = {}
    if words[1] != _NO_DEPTH:
      if depth.is_file():
        labels["depth"] = depth
      else:
        on_problem(listing.missing_file(depth))
    rows.append(Row(f"{image.parent.name}_{image.stem}", image, labels))
  return rows


def _lines(path: Path) -> list[str]:
  try:
    lines = path.read_text(encoding="utf-8").splitlines()
  except (OSError, UnicodeDecodeError) as error:
    raise _bad_line(path, 0, f"{type(error).__name__}: {error}") from error
  return [line for line in lines if line.strip()]


def _bad_line(path: Path, number: int, found: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} does not list frames",
      found=f"in line {number}: {found}" if number else found,
      expected="image, depth and focal length in each line",
      do="Use the list that is published with BTS.",
    )
  )


def _read_millimetres(path: Path) -> np.ndarray:
  """Return metres f32[H, W, 1], NaN for 0."""
  stored = image_files.read_label(path)
  if stored.ndim != 2 or stored.dtype not in (np.uint16, np.int32):
    found = f"{stored.dtype}{list(stored.shape)}"
    raise _broken(path, found, "16 bits of millimetres [H, W]")
  metres = stored.astype(np.float32) / _PER_METRE
  return np.where(stored > 0, metres, np.float32(np.nan))[..., None]


def _read_h5_image(path: Path) -> np.ndarray:
  return np.ascontiguousarray(_h5(path)["rgb"].transpose(1, 2, 0))


def _read_h5_depth(path: Path) -> np.ndarray:
  """Return metres f32[H, W, 1], NaN for none."""
  depth = _h5(path)["depth"].astype(np.float32)
  known = np.isfinite(depth) & (depth > 0)
  return np.where(known, depth, np.float32(np.nan))[..., None]


def _h5_size(path: Path) -> tuple[int, int]:
  height, width = _h5(path)["depth"].shape
  return height, width


def _h5(path: Path) -> Mapping[str, Any]:
  """Return rgb u8[3, H, W] and depth f[H, W] of a file."""
  h5py = _import_h5py()
  try:
    with h5py.File(path, "r") as file:
      arrays = {name: np.asarray(file[name]) for name in ("rgb", "depth")}
  except (OSError, KeyError) as error:
    found = f"{type(error).__name__}: {error}"
    raise _broken(path, found, "HDF5 with rgb and depth") from error
  rgb, depth = arrays["rgb"], arrays["depth"]
  fits = rgb.dtype == np.uint8 and rgb.shape == (3, *depth.shape)
  if depth.ndim != 2 or not fits:
    found = f"rgb {rgb.dtype}{list(rgb.shape)}, depth {list(depth.shape)}"
    raise _broken(path, found, "rgb uint8[3, H, W] and depth [H, W]")
  return arrays


def _import_h5py() -> Any:
  try:
    import h5py
  except ImportError as error:
    raise ImportError(
      errors.message(
        "FastDepth's files need one more package",
        found=str(error),
        expected="h5py",
        do="Install it: pip install 'jtr_jax[nyuv2]'.",
      )
    ) from error
  return h5py


def _broken(path: Path, found: str, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is not a frame of NYUv2 with depth",
      found=found,
      expected=expected,
      do="Unpack the download again.",
    )
  )
