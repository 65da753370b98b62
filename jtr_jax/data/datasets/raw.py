"""What a reader of a data set's published files hands over."""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np

RawExample: TypeAlias = tuple[str, dict[str, np.ndarray | None]]
"""Sample id, then "image" u8[H, W, 3] and for each task the stored label (see
`data/examples.py`), or None where the image has none."""


class RawDataset(NamedTuple):
  """A data set before it is written as records.

  Attributes:
    name: the data set, such as "nyuv2".
    size: height and width of every image and label.
    tasks: for each task its description: `kind` and what that needs.
    counts: number of images of each split.
    splits: for each split its examples, read one by one and only once.
    source: where the data comes from and what was done to it, for JSON.
  """

  name: str
  size: tuple[int, int]
  tasks: dict[str, dict[str, Any]]
  counts: dict[str, int]
  splits: dict[str, Iterator[RawExample]]
  source: dict[str, Any]
