"""Errors of checkpoints that cannot be written, read or found."""

import errno
import shutil
from collections.abc import Sequence
from pathlib import Path

from jtr_jax.core import errors, places
from jtr_jax.workdir import orbax_log

_NO_SPACE = "No space left on device"


def not_saved(
  directory: Path, step: int, *, size: int, steps: Sequence[int], why: Exception
) -> OSError:
  """Return the error for a checkpoint that could not be written.

  Args:
    directory: where the checkpoints are.
    step: the one that failed.
    size: bytes of its arrays.
    steps: those that are complete.
    why: what Orbax raised.

  Returns:
    The error (not raised), its number ENOSPC or EIO.
  """
  full = getattr(why, "errno", None) == errno.ENOSPC or _NO_SPACE in str(why)
  free, log = _free(directory), orbax_log.path()
  return OSError(
    errno.ENOSPC if full else errno.EIO,
    errors.message(
      f"Saving the checkpoint of step {step} failed",
      found=first_line(why) + free,
      expected=f"a writable {directory} with {size / 2**20:.1f} MiB free",
      do=("Free some space" if full else "Fix that")
      + " and start the same command again: the run resumes from "
      + (f"step {max(steps)}." if steps else "the beginning.")
      + (f" Orbax reported {log}." if log.exists() else ""),
    ),
  )


def not_readable(
  folder: Path, *, earlier: Sequence[int], why: Exception
) -> ValueError:
  """Return the error for a checkpoint that is damaged.

  Args:
    folder: of the checkpoint.
    earlier: steps of the checkpoints before it.
    why: what was raised while reading.

  Returns:
    The error (not raised).
  """
  return ValueError(
    errors.message(
      "A checkpoint cannot be read: it is damaged or of another program",
      found=f"{folder}: {first_line(why)}",
      expected="a complete checkpoint of jtr_jax",
      do=f"Delete this folder to resume from step {max(earlier)}."
      if earlier
      else "Delete this folder to start from the beginning.",
    )
  )


def not_found(
  directory: Path, which: int | str, *, steps: Sequence[int], metric: str | None
) -> ValueError:
  """Return the error for a checkpoint that is not there.

  Args:
    directory: where the checkpoints are.
    which: what was asked for.
    steps: those that are there.
    metric: what decides which is best.

  Returns:
    The error (not raised).
  """
  best = f"a finite {metric!r} saved with one of them"
  return ValueError(
    errors.message(
      f"There is no checkpoint {which!r} in {directory}",
      found="steps " + (", ".join(map(str, steps)) or "none"),
      expected=best if which == "best" else "the one asked for",
      do="Ask for one of these steps, or train first.",
    )
  )


def _free(directory: Path) -> str:
  """Return what is free on a disk, in words."""
  if places.is_stored(directory):
    return ""
  return f"; {shutil.disk_usage(directory).free / 2**20:.0f} MiB free"


def first_line(why: Exception) -> str:
  """Return the text of an error before Orbax and TensorStore add their own.

  Args:
    why: the error.

  Returns:
    One line of at most 500 characters.
  """
  line = str(why).split("\n", maxsplit=1)[0].split(" [source locations")[0]
  return line[:500].rstrip(".") or type(why).__name__
