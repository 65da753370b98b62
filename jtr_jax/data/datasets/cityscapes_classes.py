"""The classes of Cityscapes: raw label ids, 19 and 7 classes, parts.

Source: cityscapesScripts `labels.py`; panoptic parts of Cityscapes, with the
ten part classes of the released Auto-lambda code.
"""

import numpy as np

_LABELS = (  # raw id, name, place among the 19 or None, category
  (7, "road", 0, "flat"),
  (8, "sidewalk", 1, "flat"),
  (9, "parking", None, "flat"),
  (10, "rail track", None, "flat"),
  (11, "building", 2, "construction"),
  (12, "wall", 3, "construction"),
  (13, "fence", 4, "construction"),
  (14, "guard rail", None, "construction"),
  (15, "bridge", None, "construction"),
  (16, "tunnel", None, "construction"),
  (17, "pole", 5, "object"),
  (18, "polegroup", None, "object"),
  (19, "traffic light", 6, "object"),
  (20, "traffic sign", 7, "object"),
  (21, "vegetation", 8, "nature"),
  (22, "terrain", 9, "nature"),
  (23, "sky", 10, "sky"),
  (24, "person", 11, "human"),
  (25, "rider", 12, "human"),
  (26, "car", 13, "vehicle"),
  (27, "truck", 14, "vehicle"),
  (28, "bus", 15, "vehicle"),
  (29, "caravan", None, "vehicle"),
  (30, "trailer", None, "vehicle"),
  (31, "train", 16, "vehicle"),
  (32, "motorcycle", 17, "vehicle"),
  (33, "bicycle", 18, "vehicle"),
)

LAST_RAW_ID = 33  # ids below 7 are void
CLASSES_19 = tuple(name for _, name, train, _ in _LABELS if train is not None)
CLASSES_7 = tuple(dict.fromkeys(category for *_, category in _LABELS))
PARTS = (
  "background",
  "torso",
  "head",
  "arm",
  "leg",
  "window",
  "wheel",
  "light",
  "license plate",
  "chassis",
)

_PERSONS = (24, 25)
_CARS = (26, 27, 28)  # car, truck, bus


def class_table(classes: int) -> np.ndarray:
  """Return i8[34]: raw id -> one of 19 or 7 classes, -1 for none.

  The eight ids that the 19 classes leave out, such as parking, count in their
  category.
  """
  table = np.full(LAST_RAW_ID + 1, -1, np.int8)
  for raw, _, train, category in _LABELS:
    if classes == 7:
      table[raw] = CLASSES_7.index(category)
    elif train is not None:
      table[raw] = train
  return table


def part_table() -> np.ndarray:
  """Return i8[3400]: 100 * raw id + part id -> class of `PARTS`."""
  table = np.zeros(100 * (LAST_RAW_ID + 1), np.int8)
  for first, ids, count in ((1, _PERSONS, 4), (5, _CARS, 5)):
    for raw in ids:
      table[100 * raw + 1 : 100 * raw + 1 + count] = first + np.arange(count)
  return table
