"""Pictures as TensorBoard events."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def add(events: Any, step: int, folder: Path) -> None:
  """Show the PNG files of a folder; no folder, no pictures.

  Args:
    events: a `SummaryWriter` of tensorboardX; None for none.
    step: that the pictures are of.
    folder: on a disk; pictures in a store are left out.
  """
  if events is None or not isinstance(folder, Path):
    return
  for path in sorted(folder.glob("*.png")):
    with Image.open(path) as picture:
      pixels = np.asarray(picture.convert("RGB"))
    events.add_image(path.stem, pixels, step, dataformats="HWC")
