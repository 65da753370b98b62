import gc

import jax
import pytest

from tests import small_config

# The longest files are the first to be handed out, so that no process ends up
# alone with one.
LONGEST = (
  "test_readme.py",
  "test_main.py",
  "test_step_forms.py",
  "test_conformance_gradient.py",
  "test_run.py",
  "test_loss_balancers.py",
)

# A file that has one of these trains, or compiles steps of training. `make
# quick` leaves it out.
TRAINING = {
  "jtr_jax.train.forward",
  "jtr_jax.verify.jtr_step",
  "jtr_jax.verify.mtpsl_step",
  "tests.eight_devices",
  "tests.methods.partial_batch",
  "tests.short_training",
  "tests.tables.small_runs",
  "tests.small_config",
  "tests.train.small_net",
  "tests.train.tiny",
  "tests.untrained_run",
}


def pytest_collection_modifyitems(items):
  """Mark what trains, and put the longest files first, each in its order."""
  last = len(LONGEST)
  places = {name: place for place, name in enumerate(LONGEST)}
  items.sort(key=lambda item: places.get(item.path.name, last))
  for item in items:
    if trains(item.module):
      item.add_marker("trains")


def trains(module):
  """Return whether a test module has a helper that trains, or parts of one."""
  values = vars(module).values()
  names = {getattr(v, "__module__", getattr(v, "__name__", "")) for v in values}
  return bool(names & TRAINING)


@pytest.fixture(scope="module", autouse=True)
def forget_programs():
  """Free the programs of a file after its last test: they take gigabytes."""
  yield
  jax.clear_caches()
  gc.collect()


@pytest.fixture(scope="session")
def rooms(tmp_path_factory):
  """Return where a few small rooms are prepared; nobody changes them."""
  directory = tmp_path_factory.mktemp("data") / "rooms"
  small_config.prepare_rooms(directory)
  return directory
