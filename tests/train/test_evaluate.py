import dataclasses
import functools

import jax
import numpy as np
import pytest

from jtr_jax.train import loop
from tests.train import tiny


@functools.cache
def start():
  """A run and its state before the first step."""
  run = tiny.make_run()
  return run, loop.start_state(run)


@pytest.fixture(scope="module")
def metrics():
  run, state = start()
  return run.evaluate(state)


@pytest.mark.parametrize("batch", [3, 7])
def test_batch_size_does_not_matter(batch, metrics):
  run, state = start()
  found = tiny.make_evaluate(run.net, run.mesh, batch)(state)
  assert found.keys() == metrics.keys()
  for name, value in metrics.items():
    np.testing.assert_allclose(found[name], value, rtol=2e-6, err_msg=name)


def test_every_image_counts_once_and_padding_nowhere(metrics):
  run, state = start()
  records = tiny.make_dataset().source("val")
  images = np.stack([row["image"] for row in records]).astype("f") / 255
  predictions, _ = jax.device_get(
    run.net.predict(state.params, state.model_state, images, train=False)
  )
  ids = np.stack([row["segmentation"] for row in records])
  right = predictions["segmentation"].argmax(-1)[ids >= 0] == ids[ids >= 0]
  depth = np.stack([row["depth"] for row in records])
  error = np.abs(np.maximum(predictions["depth"], 1e-9) - depth)
  assert metrics["segmentation/pixel_accuracy"] == right.mean()
  np.testing.assert_allclose(
    metrics["depth/abs_err"], np.nanmean(error), rtol=1e-5
  )


def test_running_statistics_are_used_and_kept():
  run, state = start()
  before = jax.device_get(state)
  shifted = jax.tree.map(lambda x: x + 1, state.model_state)
  other = dataclasses.replace(state, model_state=shifted)
  assert run.evaluate(other) != run.evaluate(state)
  jax.tree.map(np.testing.assert_array_equal, jax.device_get(state), before)
