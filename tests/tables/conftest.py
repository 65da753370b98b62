"""Small NYUv2 files, and a table that was run on them."""

import pytest

from jtr_jax.data.__main__ import main as data_command
from jtr_jax.tables import run
from tests import short_training
from tests.data.datasets import nyuv2_tree
from tests.tables.small_runs import run_table


@pytest.fixture(scope="session")
def nyu(tmp_path_factory):
  """Return a directory of prepared NYUv2 files, small ones."""
  folder = tmp_path_factory.mktemp("nyu")
  nyuv2_tree.write(folder / "raw")
  words = [f"--raw={folder / 'raw'}", f"--out={folder / 'prepared'}"]
  assert data_command(["prepare", "nyuv2", *words]) == 0
  return folder / "prepared"


@pytest.fixture(scope="module")
def nothing_is_learnt():
  """Let training do nothing, and keep the programs of its evaluation."""
  with (
    short_training.nothing_is_learnt(),
    pytest.MonkeyPatch.context() as patch,
  ):
    patch.setattr(run.jax, "clear_caches", lambda: None)  # they share programs
    yield


@pytest.fixture(scope="module")
def table_10(nyu, tmp_path_factory, nothing_is_learnt):
  """Return a folder where JTR's Table 10 was run on NYUv2 files, two seeds."""
  out = tmp_path_factory.mktemp("jtr_10")
  words = ("--rows=nyu_onelabel", "--seeds=3,4")
  assert run_table("jtr_10", out, nyu, *words) == 0
  return out
