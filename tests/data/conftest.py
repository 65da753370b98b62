import pytest

from tests.data.datasets import own_folder
from tests.data.records import fake_dataset


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
  return fake_dataset.write(tmp_path_factory.mktemp("data") / "fake")


@pytest.fixture
def root(tmp_path):
  """A raw folder that a test may spoil."""
  own_folder.write(tmp_path / "mine")
  return tmp_path / "mine"
