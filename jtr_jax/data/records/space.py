"""Whether memory and disk have room for records, before they are written."""

import contextlib
import errno
import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from jtr_jax.core import errors, memory
from jtr_jax.data.records.stored_form import TaskOptions, stored_form

_IN_MEMORY = 8  # copies of an example while it is read, resized and encoded
_NO_SPACE = "No space left on device"


def require(
  target: Path,
  tasks: Mapping[str, TaskOptions],
  size: tuple[int, int],
  counts: Mapping[str, int],
) -> None:
  """Raise a `ValueError` if examples or records would surely not fit.

  Args:
    target: where the records will lie.
    tasks: for each task `kind` and options.
    size: (H, W).
    counts: images of each split.
  """
  image = math.prod(size) * 3
  labels = sum(stored_form(n, t, size).nbytes for n, t in tasks.items())
  what = f"An example of {size[0]}x{size[1]} with {len(tasks)} labels"
  memory.require(
    _IN_MEMORY * (image + labels), what, do="Give a smaller --size."
  )
  needed, place = image * sum(counts.values()), existing(target)
  free = shutil.disk_usage(place).free
  if needed > free:
    raise ValueError(
      errors.message(
        f"The records would not fit on the disk of {place}",
        found=f"at least {memory.in_words(needed)} for the images of "
        f"{sum(counts.values())} examples",
        expected=f"at most {memory.in_words(free)}, which are free",
        do="Free some space, give a smaller --size, or another --out.",
      )
    )


@contextlib.contextmanager
def clear_errors(target: Path) -> Iterator[None]:
  """Say what to do where the disk is full while records are written."""
  try:
    yield
  except Exception as error:  # the writer of array_record raises many kinds
    is_full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
    if not is_full and _NO_SPACE not in str(error):
      raise
    place = existing(target)
    free = memory.in_words(shutil.disk_usage(place).free)
    raise OSError(
      errno.ENOSPC,
      errors.message(
        f"Preparing {target} stopped: the disk is full",
        found=f"{free} free on the disk of {place}",
        expected="room for all records; nothing is left of those written",
        do="Free some space and give the same command again.",
      ),
    ) from error


def existing(path: Path) -> Path:
  """Return the nearest folder above a path that is there."""
  return next(p for p in (path, *path.parents) if p.is_dir())
