import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.train.optimizer import adam, staircase

LONG = (39750, 59625)  # 200 and 300 epochs of NYUv2


@pytest.mark.parametrize("steps", [*range(1, 200, 7), 122, 123, *LONG])
def test_falls_exactly_after_every_so_many_counts(steps):
  falls = np.arange(12)
  counts = np.stack([falls * steps, (falls + 1) * steps - 1])
  found = jax.jit(jax.vmap(staircase(1e-4, 0.5, steps)))(counts.ravel())
  expected = np.float32(1e-4 * 0.5**falls)
  np.testing.assert_array_equal(found, np.tile(expected, 2))


def test_adam_as_published():
  """Two updates by hand, the second with half of the learning rate."""
  transform = adam(learning_rate=0.1, decay_rate=0.5, decay_steps=1)
  gradients, found = (2.0, -1.0), []
  state = transform.init(jnp.zeros(()))
  for gradient in gradients:
    update, state = transform.update(jnp.asarray(gradient), state)
    found.append(float(update))
  mean = square = 0.0
  for count, gradient in enumerate(gradients, 1):
    mean = 0.9 * mean + 0.1 * gradient
    square = 0.999 * square + 0.001 * gradient**2
    rate = 0.1 * 0.5 ** (count - 1)
    corrected = (mean / (1 - 0.9**count), square / (1 - 0.999**count))
    expected = -rate * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
    np.testing.assert_allclose(found[count - 1], expected, rtol=1e-4)
