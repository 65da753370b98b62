"""Cityscapes: classes, parts, disparity or depth, from any of three layouts.

* the original download: `leftImg8bit`, `gtFine`, `disparity`, and where they
  lie beside these `camera` and `gtFinePanopticParts`;
* the numbered `.npy` files published with MTAN, which the papers' numbers on
  two tasks and the released label split refer to;
* the numbered images that the released Auto-lambda code writes, three tasks.
"""

from pathlib import Path

from jtr_jax.core import errors
from jtr_jax.data.datasets import (
  cityscapes_original,
  cityscapes_published,
  listing,
)
from jtr_jax.data.datasets.cityscapes_tasks import Classes, Distance
from jtr_jax.data.datasets.raw import OnProblem, RawDataset, raise_error

OBTAIN = (
  "Download leftImg8bit_trainvaltest, gtFine_trainvaltest and "
  "disparity_trainvaltest from https://www.cityscapes-dataset.com "
  "(registration), or the files linked in https://github.com/lorenmt/mtan"
)


def is_here(raw: Path) -> bool:
  """Return whether one of the layouts is at a path."""
  return any(
    cityscapes_original.is_here(folder)
    or cityscapes_published.is_mtan(folder)
    or cityscapes_published.is_auto_lambda(folder)
    for folder in _folders(raw)
  )


def scan(
  raw: Path,
  *,
  classes: Classes | None = None,
  distance: Distance | None = None,
  on_problem: OnProblem = raise_error,
) -> RawDataset:
  """Return Cityscapes from a folder with one of its known layouts.

  Args:
    raw: the folder, or one that holds it as `cityscapes` or `cityscapes2`.
    classes: 19, or the 7 categories; by default 7 for the files published with
      MTAN, as in the papers, and 19 otherwise.
    distance: what becomes of the disparity; by default that of the layout, and
      "disparity" for the original download.
    on_problem: called for every missing file.

  Returns:
    Splits "train" and "val", with the ids of the original files or the numbers
    of the published ones. The original images are prepared at 256x512 unless
    the user says otherwise, the others at their own size.

  Raises:
    ValueError: no layout is found, or it has no such distance.
  """
  for folder in _folders(raw):
    if cityscapes_original.is_here(folder):
      return cityscapes_original.scan(
        folder, classes or 19, distance or "disparity", on_problem
      )
    if cityscapes_published.is_mtan(folder):
      _check_distance("MTAN", distance, ("mtan",))
      return cityscapes_published.scan_mtan(folder, classes or 7, on_problem)
    if cityscapes_published.is_auto_lambda(folder):
      _check_distance("Auto-lambda", distance, ("mtan", "disparity"))
      return cityscapes_published.scan_auto_lambda(
        folder, classes or 19, distance or "disparity", on_problem
      )
  raise listing.not_found(
    "Cityscapes",
    raw,
    (
      "{leftImg8bit,gtFine,disparity}/{train,val}/<city>/*.png",
      "{train,val}/{image,label_7,label_19,depth}/0.npy",
      "{train,val}/{image,seg,part_seg,depth}/0.png",
    ),
    OBTAIN + ".",
  )


def _folders(raw: Path) -> tuple[Path, ...]:
  return raw, raw / "cityscapes", raw / "cityscapes2"


def _check_distance(
  layout: str, distance: str | None, known: tuple[str, ...]
) -> None:
  if distance not in (None, *known):
    raise ValueError(
      errors.message(
        f"The Cityscapes files of {layout} have no such distance",
        found=f"distance {distance!r}",
        expected=" or ".join(known),
        do="Leave the option out, or prepare from the original download.",
      )
    )
