import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.tasks import colours
from jtr_jax.tasks.classification import Classification
from jtr_jax.tasks.colours import INVALID
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.regression import Regression
from jtr_jax.tasks.segmentation import Segmentation
from jtr_jax.workdir import picture_sheets

CLASSES = tuple(f"a class with a long name {i}" for i in range(6))
TASKS = (
  Segmentation("segmentation", 6, CLASSES),
  Depth("depth"),
  Normals("normals"),
  Regression("reshading"),
)
N, H, W = 2, 80, 160


@pytest.fixture
def random():
  return np.random.default_rng(0)


@pytest.fixture
def images(random):
  return random.integers(0, 256, (N, H, W, 3), np.uint8)


def predictions_of(random):
  return {
    task.name: random.normal(size=(N, H, W, task.channels)) for task in TASKS
  }


def labels_of(predictions, present):
  valid = np.ones((N, H, W), bool)
  valid[:, :8] = False
  return {
    task.name: Label(
      task.output_value(predictions[task.name]), valid, np.array(present)
    )
    for task in TASKS
  }


def find(sheet, tile):
  """Return the (left, top) of a tile in a sheet, or None."""
  pixels = np.asarray(sheet)
  height, width = tile.shape[:2]
  corner = (pixels[: -height + 1, : -width + 1] == tile[0, 0]).all(-1)
  for top, left in np.argwhere(corner):
    if np.array_equal(pixels[top : top + height, left : left + width], tile):
      return int(left), int(top)
  return None


def test_prediction_sheet_holds_every_picture_in_its_place(random, images):
  predictions = predictions_of(random)
  labels = labels_of(predictions, [True, True])
  sheet = picture_sheets.prediction_sheet(images, TASKS, predictions, labels)
  first, second = find(sheet, images[0]), find(sheet, images[1])
  assert first[0] == second[0]
  assert second[1] > first[1]
  left = first[0]
  for task in TASKS:
    value = labels[task.name].value[1]
    place = find(sheet, task.picture(value))
    assert place[1] == second[1]
    assert place[0] > left
    left = place[0]


def test_absent_labels_are_hatched_and_invalid_pixels_grey(random, images):
  predictions = predictions_of(random)
  labels = labels_of(predictions, [True, False])
  tasks = TASKS[1:2]
  sheet = picture_sheets.prediction_sheet(images, tasks, predictions, labels)
  first, second = find(sheet, images[0]), find(sheet, images[1])
  left, top = find(sheet, colours.hatched(H, W))
  assert top == second[1]
  labelled = np.asarray(sheet)[first[1], left]
  assert tuple(labelled) == INVALID


def test_hidden_values_do_not_show(random, images):
  predictions = predictions_of(random)
  labels = labels_of(predictions, [True, False])
  clean = picture_sheets.prediction_sheet(images, TASKS, predictions, labels)
  for task in TASKS:
    label = labels[task.name]
    is_ids = label.value.dtype == np.int32
    label.value[~label.mask] = 10**6 if is_ids else np.nan
  dirty = picture_sheets.prediction_sheet(images, TASKS, predictions, labels)
  np.testing.assert_array_equal(np.asarray(clean), np.asarray(dirty))


def test_small_pictures_are_enlarged_by_a_whole_factor(random):
  image = random.integers(0, 256, (1, 10, 20, 3), np.uint8)
  sheet = picture_sheets.prediction_sheet(image, (), {}, {})
  assert find(sheet, image[0].repeat(8, axis=0).repeat(8, axis=1))


def test_long_legends_are_broken_into_rows(random, images):
  predictions = predictions_of(random)
  labels = labels_of(predictions, [True, True])
  heights = [
    picture_sheets.prediction_sheet(images, (task,), predictions, labels).height
    for task in (TASKS[2], TASKS[1], TASKS[0])
  ]
  assert heights[0] < heights[1] < heights[2]


def test_encoding_sheet_has_every_column_for_each_task(random, images):
  tensors = [
    {t.name: random.uniform(0, 1, (N, H, W, t.channels)) for t in TASKS}
    for _ in range(4)
  ]
  captions = ("a", "b", "a", "c")
  sheet = picture_sheets.encoding_sheet(
    images, TASKS, list(zip(captions, tensors, strict=True))
  )
  places = [
    find(sheet, task.picture_joint(tensor[task.name][1]))
    for task in TASKS
    for tensor in tensors
  ]
  assert None not in places
  assert places == sorted(places)
  assert len({top for _, top in places}) == 1


def test_labels_of_images_are_cards_with_words(random, images):
  task = Classification("scene", 3, ("kitchen", "office", "street"))
  logits = np.eye(3, dtype=np.float32)[[0, 2]][:, None, None]
  value = np.array([1, 0], np.int32)[:, None, None]
  label = Label(value, np.ones((2, 1, 1), bool), np.array([True, False]))
  sheet = picture_sheets.prediction_sheet(
    images, [task], {"scene": logits}, {"scene": label}
  )
  blank = picture_sheets.prediction_sheet(
    images,
    [Classification("scene", 3)],
    {"scene": logits},
    {"scene": label},
  )
  office = task.picture(value[0])[0, 0]
  pixels = np.asarray(sheet).reshape(-1, 3)
  height, width = images.shape[1:3]
  assert (pixels == office).all(-1).sum() > height * width / 4
  assert not np.array_equal(np.asarray(sheet)[:120], np.asarray(blank)[:120])
  assert find(sheet, colours.hatched(height, width)) is not None


def test_error_colours_have_a_legend_in_the_unit_of_the_task(random, images):
  predictions = predictions_of(random)
  labels = labels_of(predictions, [True] * N)
  sheet = picture_sheets.prediction_sheet(images, TASKS, predictions, labels)
  plain = picture_sheets.output_sheet(
    list(images), TASKS, {t.name: list(images) for t in TASKS}, {}, CAPTIONS
  )
  rows = (sheet.height - plain.height) / len(TASKS)
  assert rows >= 10  # pixels of a line of the legend for each task
  texts = {task.name: [text for text, _ in task.error_legend] for task in TASKS}
  assert texts["segmentation"] == ["right", "wrong"]
  assert texts["depth"] == ["0", "0.5 m", "1 m or more"]
  assert texts["normals"] == ["0", "30 degrees", "60 degrees or more"]
  heat = colours.colourise(np.array([[0.0, 0.5, 1.0]]), "heat")[0]
  assert [c for _, c in TASKS[1].error_legend] == list(
    map(tuple, heat.tolist())
  )


CAPTIONS = {task.name: [""] * N for task in TASKS}
