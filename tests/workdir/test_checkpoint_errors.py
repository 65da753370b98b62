import resource
from collections.abc import Iterable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.workdir import checkpoint_errors
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
      ValueError, match=rf"checkpoints/2: .*{path.name}.*go on from step 1"
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


@pytest.fixture
def no_large_files():
  """Writes beyond 20 kB fail, as they do on a full disk."""
  before = resource.getrlimit(resource.RLIMIT_FSIZE)
  yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
  resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_failing_disk_is_reported_and_keeps_the_earlier_one(
  tmp_path, no_large_files, caplog
):
  small, large = {"x": jnp.ones(2)}, {"x": jnp.asarray(np.random.rand(300, 99))}
  checkpoints = Checkpoints(tmp_path, keep_latest=1)
  checkpoints.save(1, small)
  checkpoints.wait()
  no_large_files()
  checkpoints.save(2, large)
  with pytest.raises(OSError, match=r"step 2 failed.*go(es)? on from step 1"):
    checkpoints.wait()
  assert checkpoints.restore_latest(small).step == 1
  checkpoints.close()
  assert "File too large" in caplog.text


def test_full_disk_has_its_number(tmp_path):
  why = ValueError("No space left on device [28]\nmore")
  error = checkpoint_errors.not_saved(
    tmp_path, 2, size=2**21, steps=[], why=why
  )
  assert error.errno == 28
  assert "2.0 MiB" in str(error)
  assert "Free some space" in str(error)
