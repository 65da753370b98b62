import partial_batch
import pytest


@pytest.fixture(scope="session")
def labels():
  """Of the partially labelled batch, all views."""
  return partial_batch.make_labels()


@pytest.fixture(scope="session")
def predictions():
  """For the partially labelled batch, all views."""
  return partial_batch.make_predictions()
