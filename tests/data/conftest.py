import fake_dataset
import pytest


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
  return fake_dataset.write(tmp_path_factory.mktemp("data") / "fake")
