import contextlib
import resource
from collections.abc import Iterable, Iterator
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.workdir import checkpoint_errors, orbax_log
from jtr_jax.workdir.checkpoints import Checkpoints
from tests.workdir.saved_state import make_state


def damage(path: Path, how: str) -> None:
  content = bytearray(path.read_bytes())
  path.unlink()
  if how == "truncate":
    path.write_bytes(content[: len(content) // 2])
  elif how == "digit":
    path.write_bytes(content.replace(b'"position": 14', b'"position": 15'))
  elif how == "flip":
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def largest(paths: Iterable[Path]) -> Path:
  return max(paths, key=lambda path: path.stat().st_size)


@pytest.mark.parametrize("how", ["truncate", "flip", "remove"])
@pytest.mark.parametrize("part", ["d/*", "ocdbt.process_0/d/*", "_METADATA"])
def test_damaged_checkpoint_names_file_and_remedy(copy, how, part):
  path = largest((copy / "2" / "state").glob(part))
  damage(path, how)
  with Checkpoints(copy) as checkpoints:
    with pytest.raises(
      ValueError, match=rf"checkpoints/2: .*{path.name}.*resume from step 1"
    ):
      checkpoints.restore_latest(make_state(0))
    assert checkpoints.restore(1, make_state(0)).step == 1


@pytest.mark.parametrize("how", ["truncate", "flip", "remove", "digit"])
def test_damaged_manifest_is_an_error(copy, how):
  damage(copy / "2" / "manifest.json", how)
  with (
    Checkpoints(copy) as checkpoints,
    pytest.raises(ValueError, match=r"cannot be read.*checkpoints/2"),
  ):
    checkpoints.restore_latest(make_state(0))


def test_foreign_checkpoint_lists_keys_and_shapes(saved):
  other = make_state(0, width=51)
  other.params["head"] = jnp.ones(3)
  del other.params["flags"]
  with (
    Checkpoints(saved, read_only=True) as checkpoints,
    pytest.raises(ValueError, match="another model") as caught,
  ):
    checkpoints.restore_latest(other)
  text = str(caught.value)
  assert "only in the checkpoint: params/flags" in text
  assert "missing in the checkpoint: params/head" in text
  assert "params/encoder/kernel float32[40, 50], not float32[40, 51]" in text


def test_other_dtype_and_empty_part_are_foreign(saved):
  state = make_state(0)
  with Checkpoints(saved, read_only=True) as checkpoints:
    with pytest.raises(ValueError, match=r"int32\[\], not float32\[\]"):
      checkpoints.restore(1, state.replace(step=jnp.float32(0)))
    with pytest.raises(ValueError, match="missing in the checkpoint: noth"):
      checkpoints.restore(1, state.replace(nothing=((),)))


def test_unknown_checkpoint_is_answered_with_the_known_steps(saved):
  with Checkpoints(saved, read_only=True) as checkpoints:
    for which in (7, "bset"):
      with pytest.raises(ValueError, match=f"no checkpoint {which!r}.*1, 2"):
        checkpoints.restore(which, make_state(0))


@contextlib.contextmanager
def no_large_files(most: int) -> Iterator[None]:
  """Let writes beyond a size fail, as they do on a full disk.

  The limit is the whole process's, what the test runner writes included, so it
  holds no longer than necessary.
  """
  before = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
  try:
    yield
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_failing_disk_is_reported_and_keeps_the_earlier_one(tmp_path, caplog):
  large = np.random.default_rng(0).random((1000, 1000), np.float32)
  small = {"x": jnp.ones(2)}
  checkpoints = Checkpoints(tmp_path, keep_latest=1)
  checkpoints.save(1, small)
  checkpoints.wait()
  error = r"step 2 failed.*resumes? from step 1"
  with no_large_files(large.nbytes // 2):
    checkpoints.save(2, {"x": jnp.asarray(large)})
    with pytest.raises(OSError, match=error):
      checkpoints.wait()
  assert checkpoints.restore_latest(small).step == 1
  checkpoints.close()
  assert "File too large" not in caplog.text
  assert "File too large" in orbax_log.path().read_text()
  orbax_log.path().unlink()


def test_full_disk_has_its_number(tmp_path):
  why = ValueError("No space left on device [28]\nmore")
  error = checkpoint_errors.not_saved(
    tmp_path, 2, size=2**21, steps=[], why=why
  )
  assert error.errno == 28
  assert "2.0 MiB" in str(error)
  assert "Free some space" in str(error)
