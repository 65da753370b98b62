"""Whether the processes of a run see the same folder."""

import secrets
import time
from pathlib import Path

from jtr_jax.core import errors, hosts, places

_SECONDS = 20.0  # for a network disk to show what another machine has written


def require_shared(folder: Path) -> None:
  """Raise in every process unless what one writes is there for the others.

  Nothing is left behind, and a folder that was not there is not there after.

  Args:
    folder: the workdir.

  Raises:
    ValueError: the folder is on a disk of each machine's own.
    OSError: nothing can be written there.
  """
  if hosts.is_alone():
    return
  mark = folder / hosts.agree(f"{secrets.token_hex(8)}.tmp")
  was_there, failure = folder.exists(), None
  if hosts.is_primary():
    try:
      folder.mkdir(parents=True, exist_ok=True)
      mark.write_text("")
    except OSError as error:
      failure = error
  hosts.require_success(failure)
  seen = hosts.exchange(_appears(mark))
  if hosts.is_primary():
    mark.unlink()
    if not was_there and not places.is_stored(folder):
      folder.rmdir()
  hosts.wait()
  if not all(seen):
    raise ValueError(
      errors.message(
        f"Not all processes see the same workdir {folder}",
        found=f"what process 0 has written is not there for process "
        f"{seen.index(False)}",
        expected="a disk that all machines share, or gs://BUCKET/PATH",
        do="Choose such a --workdir; checkpoints are written by all of them.",
      )
    )


def _appears(path: Path) -> bool:
  """Return whether a file is there, or will be in a while."""
  end = time.monotonic() + _SECONDS
  while not path.exists():
    if time.monotonic() > end:
      return False
    time.sleep(0.2)
  return True
