import jax
import pytest

from tests import small_config

# Files whose tests start programs of their own; the first to be handed out, so
# that no process ends up alone with one.
LONGEST = ("test_readme.py", "test_main.py", "test_must.py", "test_sources.py")


def pytest_collection_modifyitems(items):
  """Put the longest files first; the order within a file stays."""
  last = len(LONGEST)
  places = {name: place for place, name in enumerate(LONGEST)}
  items.sort(key=lambda item: places.get(item.path.name, last))


@pytest.fixture(scope="module")
def quick_compilation():
  """Compile without optimising: most tests run a program once or twice."""
  name = "jax_disable_most_optimizations"
  before = jax.config.read(name)
  jax.config.update(name, True)
  yield
  jax.config.update(name, before)


@pytest.fixture(scope="session")
def rooms(tmp_path_factory):
  """Return where a few small rooms are prepared; nobody changes them."""
  directory = tmp_path_factory.mktemp("data") / "rooms"
  small_config.prepare_rooms(directory)
  return directory
