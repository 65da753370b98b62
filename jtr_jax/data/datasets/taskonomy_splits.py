"""Which buildings of Taskonomy are for training, validation and test.

Source: `train_val_test_tiny.csv` of the Taskonomy repository.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

from jtr_jax.core import errors

SPLITS = ("train", "val", "test")

_TRAIN = (
  *("hanson", "merom", "klickitat", "onaga", "leonardo", "marstons"),
  *("newfields", "pinesdale", "lakeville", "cosmos", "benevolence", "pomaria"),
  *("tolstoy", "shelbyville", "allensville", "wainscott", "beechwood"),
  *("coffeen", "stockman", "hiteman", "woodbine", "lindenwood", "forkland"),
  *("mifflinburg", "ranchester"),
)
_VAL = ("wiconisco", "corozal", "collierville", "markleeville", "darden")
_TEST = ("ihlen", "muleshoe", "uvalda", "noxapater", "mcdade")

TINY: Mapping[str, str] = {
  building: split
  for split, buildings in zip(SPLITS, (_TRAIN, _VAL, _TEST), strict=True)
  for building in buildings
}
"""Building -> split."""


def read_partition(path: str | Path) -> dict[str, str]:
  """Return building -> split of a published partition.

  Args:
    path: CSV with the columns id, train, val, test, where one of the last three
      is 1; lines may end as on old Macs.

  Raises:
    ValueError: the file is of another form, or a building is in two splits.
  """
  found: dict[str, str] = {}
  try:
    text = Path(path).read_text(encoding="utf-8")  # translates line ends
    for row in csv.DictReader(text.splitlines()):
      splits = [split for split in SPLITS if row[split].strip() == "1"]
      if len(splits) != 1 or row["id"] in found:
        raise _broken(path, f"{row['id']} in {', '.join(splits) or 'none'}")
      found[row["id"]] = splits[0]
  except (OSError, UnicodeDecodeError, KeyError, AttributeError) as e:
    raise _broken(path, f"{type(e).__name__}: {e}") from e
  if not found:
    raise _broken(path, "no building")
  return found


def _broken(path: str | Path, found: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is not a partition of Taskonomy",
      found=found,
      expected="the columns id,train,val,test and each building in one split, "
      "once",
      do="Use a file of splits_taskonomy.zip in the Taskonomy repository.",
    )
  )
