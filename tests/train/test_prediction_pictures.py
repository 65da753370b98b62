import dataclasses

import jax
import numpy as np
from PIL import Image

from jtr_jax.data.loading import pipeline
from jtr_jax.data.loading.selection import select
from jtr_jax.train import loop, prediction_pictures
from tests.train import tiny
from tests.workdir.test_picture_sheets import find


def first_images(split):
  """Return two images as stored; the second has no depth."""
  images = select(tiny.make_dataset(), split, tiny.NAMES)
  examples, _ = next(pipeline.evaluation_batches(images, 2))
  examples.present["depth"][1] = False
  return examples


def draw(method, folder):
  """Return what draws with a network, and the state of a fresh one."""
  run = tiny.make_run(method)
  pictures = prediction_pictures.make_draw(
    run.net,
    run.method,
    folder,
    evaluated=first_images("val"),
    trained=first_images("train"),
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


def has_image(path, image):
  """Return whether a sheet has an image, enlarged by a whole factor."""
  factor = -(-160 // image.shape[1])
  tile = image.repeat(factor, axis=0).repeat(factor, axis=1)
  return find(pixels(path), tile) is not None


def test_predictions_are_evaluated_and_reconstructions_trained_images(tmp_path):
  pictures, state = draw("paper", tmp_path)
  pictures(state)
  evaluated, trained = (first_images(s).image for s in ("val", "train"))
  for image in evaluated:
    assert has_image(tmp_path / "predictions.png", image)
    assert not has_image(tmp_path / "reconstructions.png", image)
  for image in trained:
    assert has_image(tmp_path / "reconstructions.png", image)


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
