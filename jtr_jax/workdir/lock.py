"""One process at a time trains in a workdir: a lock file says which.

It holds the host and the process id. On one machine the operating system frees
the lock of a process that was killed. The lock of another machine counts as
long as its process goes on touching the file.
"""

import contextlib
import fcntl
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jtr_jax.core import errors, hosts, places

NAME = "run.lock"

_TOUCH_SECONDS = 10.0
_DEAD_SECONDS = 90.0  # network disks show another machine's touch a minute late


@contextlib.contextmanager
def held(
  workdir: Path,
  *,
  touch_seconds: float = _TOUCH_SECONDS,
  dead_seconds: float = _DEAD_SECONDS,
) -> Iterator[None]:
  """Keep other processes from training in a workdir while the block runs.

  The folder is made if need be, and taken away again if it stays empty. Of
  several processes of one run only the first one holds the lock.

  Args:
    workdir: the folder.
    touch_seconds: from one sign of life to the next.
    dead_seconds: after which a lock of another machine without one is stale.

  Raises:
    ValueError: another process trains in it; the text says which.
    OSError: the folder cannot be made or written.
  """
  if not hosts.is_primary() or places.is_stored(workdir):
    yield  # a store has no locks
    return
  missing = [p for p in (workdir, *workdir.parents) if not p.exists()]
  workdir.mkdir(parents=True, exist_ok=True)
  path, is_over = workdir / NAME, threading.Event()
  try:
    file = _taken(path, dead_seconds)
  except BaseException:
    _remove_empty(missing)
    raise
  alive = threading.Thread(
    target=_touch, args=(path, touch_seconds, is_over), daemon=True
  )
  alive.start()
  try:
    yield
  finally:
    is_over.set()
    alive.join()
    path.unlink(missing_ok=True)
    os.close(file)
    _remove_empty(missing)


def _taken(path: Path, dead_seconds: float) -> int:
  """Take the lock and return its open file."""
  while True:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
      _require_free(path, file, dead_seconds)
      if path.exists() and os.fstat(file).st_ino == path.stat().st_ino:
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(_own()).encode() + b"\n", 0)
        return file
    except BaseException:
      os.close(file)
      raise
    os.close(file)  # the one before deleted it in between


def _require_free(path: Path, file: int, dead_seconds: float) -> None:
  owner, knows = _owner(path), True
  try:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError:
    raise _in_use(path, owner) from None
  except OSError:  # a disk without locks
    knows = False
  if not owner or owner == _own():
    return
  if owner.get("host") != platform.node():
    is_alive = _shows_life(path, owner, dead_seconds)
  else:
    is_alive = not knows and _runs(owner.get("pid"))
  if is_alive:
    raise _in_use(path, owner)


def _shows_life(path: Path, owner: dict[str, Any], seconds: float) -> bool:
  """Watch a lock of another machine until it is touched, or long enough."""
  sys.stderr.write(
    f"{path}: looking for {seconds:.0f} s whether process {owner.get('pid')} "
    f"on {owner.get('host')} still runs\n"
  )
  before, end = path.stat().st_mtime_ns, time.monotonic() + seconds
  while time.monotonic() < end:
    time.sleep(min(1.0, seconds / 10))
    if not path.exists() or path.stat().st_mtime_ns != before:
      return path.exists()
  return False


def _touch(path: Path, seconds: float, is_over: threading.Event) -> None:
  while not is_over.wait(seconds):
    with contextlib.suppress(OSError):
      os.utime(path)


def _own() -> dict[str, Any]:
  return {"host": platform.node(), "pid": os.getpid()}


def _owner(path: Path) -> dict[str, Any]:
  """Return whom a lock names; nobody if it is empty or damaged."""
  try:
    content = json.loads(path.read_text(encoding="utf-8"))
  except (OSError, ValueError):
    return {}
  return content if isinstance(content, dict) else {}


def _runs(pid: object) -> bool:
  """Return whether a process of this machine runs."""
  try:
    os.kill(int(str(pid)), 0)
  except PermissionError:
    return True
  except (OSError, ValueError):
    return False
  return True


def _in_use(path: Path, owner: dict[str, Any]) -> ValueError:
  who = f"process {owner.get('pid', '?')} on {owner.get('host', '?')}"
  return ValueError(
    errors.message(
      f"Another run is under way in {path.parent}",
      found=f"{who}, as {path.name} says",
      expected="one process at a time",
      do="Wait for it, stop it, or choose another --workdir. If it is gone for "
      f"certain, delete {path}.",
    )
  )


def _remove_empty(folders: list[Path]) -> None:
  """Take away folders that were made for nothing, the innermost first."""
  for folder in folders:
    with contextlib.suppress(OSError):
      folder.rmdir()
