import chex
import jax
import numpy as np
import pytest

from jtr_jax.data.loading import pipeline
from jtr_jax.data.loading.feed import Delivery
from jtr_jax.data.loading.joint_tasks import join_tasks
from jtr_jax.data.loading.selection import join, select, spread
from jtr_jax.data.loading.stream import Reading
from jtr_jax.data.records import prepared
from jtr_jax.data.records.manifest import Manifest
from tests.data.records import fake_dataset

NAMES = ("segmentation", "depth")


@pytest.fixture(scope="module")
def depths(tmp_path_factory):
  """A data set with the depth of 6 images, and nothing else."""

  def example(index):
    arrays = fake_dataset.full_arrays(500 + index)
    return f"far_{index}", {name: arrays[name] for name in ("image", "depth")}

  return prepared.write_dataset(
    tmp_path_factory.mktemp("data") / "depths",
    "depths",
    tasks={"depth": {"kind": "depth"}},
    size=fake_dataset.SIZE,
    splits={"train": [example(i) for i in range(6)]},
    counts={"train": 6},
    source={},
  )


@pytest.fixture(scope="module")
def mixture(dataset, depths):
  main = select(dataset, "train", NAMES, images="labelled")
  other = select(depths, "train", NAMES, forms=main.forms)
  return join([main, other])


def feed(mixture, placement, **reading):
  delivery = Delivery(placement, reading=Reading(**reading))
  return pipeline.mixed_feed(mixture, (3, 2), seed=1, delivery=delivery)


def batches(feed, steps):
  gather = jax.jit(feed.gather)
  return [
    jax.device_get(gather(feed.constant, feed.fetch(step))) for step in steps
  ]


def test_mixed_batches_hold_what_each_source_has(mixture):
  for batch in batches(feed(mixture, "device"), range(8)):
    assert (batch.sample[:3] < 11).all()
    assert (batch.sample[3:] >= 11).all()
    for row in (3, 4):
      arrays = fake_dataset.full_arrays(500 + int(batch.sample[row]) - 11)
      np.testing.assert_array_equal(batch.image[row], arrays["image"])
      np.testing.assert_array_equal(batch.stored["depth"][row], arrays["depth"])
      assert batch.present["depth"][row]
      assert not batch.present["segmentation"][row]
      assert (batch.stored["segmentation"][row] == -1).all()
    for row in range(3):
      index = int(batch.sample[row])
      _, arrays = fake_dataset.make_example(index)
      np.testing.assert_array_equal(batch.image[row], arrays["image"])
      for name in NAMES:
        assert batch.present[name][row] == (arrays[name] is not None)


def test_streamed_mixture_is_the_same_from_any_step(mixture):
  streamed = feed(mixture, "stream", threads=3)
  chex.assert_trees_all_equal(
    batches(streamed, [5, 6, 7, 2]),
    batches(feed(mixture, "device"), [5, 6, 7, 2]),
  )


def test_images_are_chosen_by_the_labels_that_may_be_seen(dataset):
  labelled = np.zeros((11, 2), bool)
  labelled[[1, 4, 7], 0] = True  # every fourth image has no segmentation
  shown = select(dataset, "train", NAMES, labelled, images="labelled")
  (part,) = shown.parts
  assert part.rows.tolist() == [1, 7]
  assert part.ids == ("room_001", "room_007")
  rest = select(dataset, "train", NAMES, labelled, images="unlabelled")
  assert rest.size == 9
  assert not rest.present.any()
  image, stored = rest.source()[0]
  arrays = fake_dataset.full_arrays(0)
  np.testing.assert_array_equal(image, arrays["image"])
  assert np.isnan(stored["depth"]).all()


def test_selection_without_images_is_refused(dataset):
  with pytest.raises(ValueError, match=r"No image .*'unlabelled'.*of 'train'"):
    select(dataset, "train", NAMES, images="unlabelled")
  with pytest.raises(ValueError, match="Did you mean 'labelled'"):
    select(dataset, "train", NAMES, images="labeled")


def test_tasks_of_several_data_sets_are_joined(dataset, depths):
  manifests = {"main": depths.manifest, "rooms": dataset.manifest}
  joined = join_tasks(manifests)
  assert joined == fake_dataset.TASKS
  assert next(iter(joined)) == "depth"


def test_scales_are_those_of_the_first_source(dataset):
  tasks = {"depth": {"kind": "depth", "unit": "m", "joint_mean": 20.0}}
  other = Manifest("other", fake_dataset.SIZE, tasks, {}, {})
  joined = join_tasks({"main": dataset.manifest, "other": other})
  assert joined["depth"] == {"kind": "depth"}


@pytest.mark.parametrize(
  ("size", "tasks", "error"),
  [
    ((8, 16), {}, r"8x16 in 'other' and 8x12 in 'main'"),
    (
      fake_dataset.SIZE,
      {"segmentation": {"kind": "segmentation", "classes": ["sky", "road"]}},
      r"'segmentation'.*classes .*'sky'\] in 'main' and .*'road'\] in 'other'",
    ),
    (
      fake_dataset.SIZE,
      {"edge_texture": {"kind": "regression", "unit": "percent"}},
      "unit 'share' in 'main' and 'percent' in 'other'",
    ),
    (
      fake_dataset.SIZE,
      {"depth": {"kind": "inverse_depth"}},
      "kind 'depth' in 'main' and 'inverse_depth' in 'other'",
    ),
  ],
)
def test_data_sets_that_do_not_fit_are_refused(dataset, size, tasks, error):
  other = Manifest("other", size, tasks, {}, {})
  with pytest.raises(ValueError, match=error):
    join_tasks({"main": dataset.manifest, "other": other})


@pytest.mark.parametrize("count", [1, 2, 3, 5, 100])
def test_spread_images_are_in_order_from_first_to_last(mixture, count):
  chosen = spread(mixture, count)
  assert chosen.size == min(count, mixture.size)
  ids = [i for part in mixture.parts for i in part.ids]
  places = [ids.index(i) for part in chosen.parts for i in part.ids]
  assert places == sorted(set(places))
  assert places[0] == 0
  if count > 1:
    assert places[-1] == mixture.size - 1
  assert chosen.present.shape == (chosen.size, len(mixture.tasks))
