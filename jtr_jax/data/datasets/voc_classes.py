"""The classes of PASCAL VOC, and how its segmentations are read."""

from pathlib import Path

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.datasets import image_files

CLASSES = (
  "background",
  "aeroplane",
  "bicycle",
  "bird",
  "boat",
  "bottle",
  "bus",
  "car",
  "cat",
  "chair",
  "cow",
  "diningtable",
  "dog",
  "horse",
  "motorbike",
  "person",
  "pottedplant",
  "sheep",
  "sofa",
  "train",
  "tvmonitor",
)
PERSON = CLASSES.index("person")
VOID = 255


def read_classes(path: Path) -> np.ndarray:
  """Return int8[H, W], the classes of a palette image, -1 for void.

  Raises:
    ValueError: naming the file, such as one with colours in place of indices.
  """
  ids = image_files.read_label(path)
  beyond = ids[(ids >= len(CLASSES)) & (ids != VOID)] if ids.ndim == 2 else ids
  if ids.ndim != 2 or ids.dtype != np.uint8 or beyond.size:
    found = (
      f"ids up to {beyond.max()}"
      if ids.ndim == 2 and beyond.size
      else f"{ids.dtype}{list(ids.shape)}"
    )
    raise ValueError(
      errors.message(
        f"{path} is not a segmentation of PASCAL VOC",
        found=found,
        expected=f"indices of a palette, 0 to {len(CLASSES) - 1} and {VOID}",
        do="Use the published file: converting it to colours loses the ids.",
      )
    )
  return np.where(ids == VOID, -1, ids.astype(np.int16)).astype(np.int8)
