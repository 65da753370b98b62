import errno
import types

import numpy as np
import pytest

from jtr_jax.data.records import prepared, space

SIZE, TASKS = (4, 6), {"depth": {"kind": "depth"}}


def write(directory, count=1):
  image = np.zeros((*SIZE, 3), np.uint8)
  rows = ((str(i), {"image": image, "depth": None}) for i in range(count))
  return prepared.write_dataset(
    directory,
    "zeros",
    tasks=TASKS,
    size=SIZE,
    splits={"train": rows},
    counts={"train": count},
    source={},
  )


@pytest.mark.parametrize(
  "error",
  [
    OSError(errno.ENOSPC, "No space left on device"),
    RuntimeError("Write failed: No space left on device"),
  ],
)
def test_full_disk_is_told_and_nothing_is_left(error, tmp_path, monkeypatch):
  def fail(partial, *_):
    (partial / "half").write_bytes(b"written")
    raise error

  monkeypatch.setattr(prepared, "_write_records", fail)
  with pytest.raises(OSError, match="stopped: the disk is full"):
    write(tmp_path / "out")
  assert not list(tmp_path.iterdir())


def test_records_that_cannot_fit_are_not_begun(tmp_path, monkeypatch):
  usage = types.SimpleNamespace(total=9, used=8, free=1)
  monkeypatch.setattr(space.shutil, "disk_usage", lambda path: usage)
  with pytest.raises(ValueError, match="would not fit on the disk"):
    write(tmp_path / "out")
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a b", "a/b", "image", "", "a+b", ".a"])
def test_name_of_a_task_is_checked_before_anything_is_written(name, tmp_path):
  with pytest.raises(ValueError, match="no name for a task"):
    prepared.write_dataset(
      tmp_path / "out",
      "zeros",
      tasks={name: {"kind": "depth"}},
      size=SIZE,
      splits={},
      counts={},
      source={},
    )
  assert not list(tmp_path.iterdir())
