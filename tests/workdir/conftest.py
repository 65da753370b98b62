import shutil

import pytest

from jtr_jax.workdir.checkpoints import Checkpoints
from tests.workdir.saved_state import make_state


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
  """Checkpoints of steps 1 and 2, to be read only."""
  directory = tmp_path_factory.mktemp("saved") / "checkpoints"
  with Checkpoints(directory) as checkpoints:
    for step in (1, 2):
      checkpoints.save(step, make_state(step), extra={"position": 7 * step})
  return directory


@pytest.fixture
def copy(saved, tmp_path):
  """The same, for a test to spoil."""
  return shutil.copytree(saved, tmp_path / "checkpoints")
