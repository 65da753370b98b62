import jax
import pytest


@pytest.fixture(scope="module")
def quick_compilation():
  """Compile without optimising: most tests run a program once or twice."""
  name = "jax_disable_most_optimizations"
  before = jax.config.read(name)
  jax.config.update(name, True)
  yield
  jax.config.update(name, before)
