import dataclasses

import jax
import numpy as np
import pytest
from PIL import Image

from jtr_jax.data.loading import pipeline
from jtr_jax.data.loading.selection import select
from jtr_jax.train import loop, prediction_pictures
from tests.train import tiny

pytestmark = pytest.mark.usefixtures("quick_compilation")


def draw(method, folder):
  """Draw two images with a fresh network; the second has no depth."""
  run = tiny.make_run(method)
  images = select(tiny.make_dataset(), "val", tiny.NAMES)
  examples, _ = next(pipeline.evaluation_batches(images, 2))
  examples.present["depth"][1] = False
  pictures = prediction_pictures.make_draw(
    run.net, run.method, examples, folder
  )
  return pictures, loop.start_state(run)


def pixels(path):
  return np.asarray(Image.open(path))


def test_reconstructions_come_with_an_autoencoder(tmp_path):
  pictures, state = draw("paper", tmp_path / "pictures")
  pictures(state)
  names = {path.name for path in (tmp_path / "pictures").iterdir()}
  assert names == {"predictions.png", "reconstructions.png"}
  for name in names:
    colours = np.unique(
      pixels(tmp_path / "pictures" / name).reshape(-1, 3), axis=0
    )
    assert len(colours) > 50


def test_pictures_are_those_of_the_state(tmp_path):
  pictures, state = draw("supervised", tmp_path)
  path = tmp_path / "predictions.png"
  pictures(state)
  first = pixels(path)
  pictures(state)
  np.testing.assert_array_equal(pixels(path), first)
  head = "decoder_depth"
  moved = jax.tree.map(lambda x: x + 0.5, state.params[head])
  params = {**state.params, head: moved}
  pictures(dataclasses.replace(state, params=params))
  assert np.any(pixels(path) != first)
  assert [p.name for p in tmp_path.iterdir()] == ["predictions.png"]
