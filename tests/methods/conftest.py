import pytest

from tests.methods import partial_batch


@pytest.fixture(scope="session")
def labels():
  """Of the partially labelled batch, all views."""
  return partial_batch.make_labels()


@pytest.fixture(scope="session")
def predictions():
  """For the partially labelled batch, all views."""
  return partial_batch.make_predictions()
