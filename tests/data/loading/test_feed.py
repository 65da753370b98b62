import chex
import jax
import numpy as np
import pytest

from jtr_jax.data.loading import examples as examples_lib
from jtr_jax.data.loading import pipeline
from jtr_jax.data.loading.feed import Delivery, Shardings, own_rows
from jtr_jax.data.loading.order import Shuffled
from jtr_jax.data.loading.selection import select
from jtr_jax.data.loading.stream import Reading, Stream
from tests.data.records import fake_dataset

NAMES = ("depth", "segmentation", "normals")
OPTIONS = {"batch_size": 4, "seed": 3}


def hiding_labels(dataset):
  """A label split that hides about half of what exists."""
  size = dataset.manifest.split("train").size
  return np.random.default_rng(0).random((size, len(NAMES))) < 0.5


def batches(feed, steps):
  gather = jax.jit(feed.gather)
  return [
    jax.device_get(gather(feed.constant, feed.fetch(step))) for step in steps
  ]


@pytest.fixture(scope="module")
def resident(dataset):
  return pipeline.make_feed(
    dataset,
    "train",
    NAMES,
    hiding_labels(dataset),
    delivery=Delivery("device"),
    **OPTIONS,
  )


def streaming(dataset, **reading):
  return pipeline.make_feed(
    dataset,
    "train",
    NAMES,
    hiding_labels(dataset),
    delivery=Delivery("stream", reading=Reading(**reading)),
    **OPTIONS,
  )


def test_batches_hold_the_stored_arrays(dataset, resident):
  labelled = hiding_labels(dataset)
  for batch in batches(resident, range(6)):
    for row, sample in enumerate(batch.sample):
      _, arrays = fake_dataset.make_example(int(sample))
      np.testing.assert_array_equal(batch.image[row], arrays["image"])
      for k, name in enumerate(NAMES):
        shown = arrays[name] is not None and labelled[sample, k]
        assert batch.present[name][row] == shown
        stored = batch.stored[name][row]
        if shown:
          assert stored.dtype == arrays[name].dtype
          np.testing.assert_array_equal(stored, arrays[name])
        else:
          assert (stored == -1).all() or np.isnan(stored).all()


def test_hidden_labels_are_nowhere_in_the_constant(dataset, resident):
  constant = jax.device_get(resident.constant)
  for name in NAMES:
    hidden = constant["stored"][name][~constant["present"][name]]
    assert hidden.size
    assert (hidden == -1).all() or np.isnan(hidden).all()


@pytest.mark.parametrize("reading", [{"threads": 1}, {"threads": 4}])
def test_streaming_gives_the_same_batches(dataset, resident, reading):
  feed = streaming(dataset, **reading)
  chex.assert_trees_all_equal(
    batches(feed, range(12)), batches(resident, range(12))
  )


def test_worker_processes_change_nothing_from_any_step(dataset, resident):
  feed = streaming(dataset, threads=1, workers=2)
  chex.assert_trees_all_equal(
    batches(feed, range(7, 17)), batches(resident, range(7, 17))
  )


def test_the_extra_batch_has_the_same_images_in_another_order(
  dataset, resident
):
  paired = pipeline.make_feed(
    dataset,
    "train",
    NAMES,
    hiding_labels(dataset),
    delivery=Delivery("device"),
    extra=True,
    **OPTIONS,
  )
  steps = range(11)  # four passes over the images
  pairs = batches(paired, steps)
  first = [pair.batch for pair in pairs]
  chex.assert_trees_all_equal(first, batches(resident, steps))
  ours = np.concatenate([batch.sample for batch in first])
  theirs = np.concatenate([pair.extra.sample for pair in pairs])
  assert np.any(ours != theirs)
  np.testing.assert_array_equal(np.sort(ours), np.sort(theirs))


def test_streaming_may_jump(dataset, resident):
  feed = streaming(dataset)
  steps = [7, 8, 9, 2, 3, 10**6]
  chex.assert_trees_all_equal(batches(feed, steps), batches(resident, steps))


def test_labels_become_valid_pixels(resident):
  (batch,) = batches(resident, [0])
  labels = examples_lib.to_labels(batch)
  assert set(labels) == set(NAMES)
  depth = labels["depth"]
  assert not depth.valid[:, 0, :3].any()
  chex.assert_tree_all_finite(labels)


def test_auto_takes_the_device_only_if_the_split_fits(dataset):
  def constant(budget):
    return pipeline.make_feed(
      dataset,
      "train",
      NAMES,
      delivery=Delivery(device_budget_bytes=budget),
      **OPTIONS,
    ).constant

  needed = 11 * 8 * 12 * (3 + 4 + 1 + 6)
  assert constant(needed)
  assert not constant(needed - 1)


@pytest.mark.parametrize("placement", ["device", "stream"])
def test_arrays_go_where_they_are_told(dataset, placement):
  mesh = jax.make_mesh(
    (1,), ("data",), axis_types=(jax.sharding.AxisType.Auto,)
  )
  spec = jax.sharding.PartitionSpec
  shardings = Shardings(
    constant=jax.sharding.NamedSharding(mesh, spec()),
    batch=jax.sharding.NamedSharding(mesh, spec("data")),
  )
  feed = pipeline.make_feed(
    dataset,
    "train",
    NAMES,
    delivery=Delivery(placement, shardings=shardings),
    **OPTIONS,
  )
  for array in jax.tree.leaves(feed.constant):
    assert array.sharding == shardings.constant
  assert feed.rows == shardings.batch
  for array in jax.tree.leaves(feed.fetch(0)):
    assert isinstance(array, np.ndarray)


@pytest.mark.parametrize("placement", ["device", "stream"])
def test_evaluation_sees_every_image_once(dataset, placement):
  images = select(dataset, "val", NAMES)
  feed = pipeline.evaluation_feed(
    images, batch_size=3, delivery=Delivery(placement)
  )
  steps = pipeline.evaluation_steps(images, 3)
  first, last = batches(feed, range(steps))
  assert first.sample.tolist() == [0, 1, 2]
  assert last.sample.tolist()[:2] == [3, 4]
  for name, column in last.present.items():
    exists = dataset.manifest.split("val").labelled[name]
    assert column.tolist() == [*exists[3:], False]


def test_evaluation_batches_count_real_rows(dataset):
  found = list(pipeline.evaluation_batches(select(dataset, "val", NAMES), 2))
  assert [count for _, count in found] == [2, 2, 1]
  assert all(batch.image.shape[0] == 2 for batch, _ in found)
  padding = {name: column[1] for name, column in found[-1][0].present.items()}
  assert not any(padding.values())


def test_a_task_without_labels_is_named_with_the_scenario(dataset):
  labelled = np.ones((11, 3), bool)
  labelled[:, 1] = False
  with pytest.raises(ValueError, match=r"'segmentation'.*'onelabel'"):
    pipeline.make_feed(
      dataset, "train", NAMES, labelled, scenario="onelabel", **OPTIONS
    )


@pytest.mark.parametrize(
  ("split", "names", "labelled", "placement", "text"),
  [
    ("test", NAMES, None, "auto", "split of fake"),
    ("train", ("dpeth",), None, "auto", "Did you mean 'depth'"),
    ("train", NAMES, np.ones((5, 3), bool), "auto", r"bool\[11, 3\]"),
    ("train", NAMES, None, "disk", "Unknown placement"),
  ],
)
def test_wrong_arguments_are_named(
  dataset, split, names, labelled, placement, text
):
  with pytest.raises(ValueError, match=text):
    pipeline.make_feed(
      dataset, split, names, labelled, delivery=Delivery(placement), **OPTIONS
    )


@pytest.mark.parametrize("name", ["segmentation", "depth", "normals"])
def test_stored_labels_come_back_as_labels(dataset, name):
  form = dataset.manifest.form(name)
  draw = np.random.default_rng(2)
  valid = draw.random(form.shape[:2]) < 0.5
  value = draw.integers(0, 3, form.shape).astype(np.float32)
  poisoned = value.copy()
  poisoned[~valid] = np.nan
  if form.is_class_ids:
    value = value.astype(np.int32)
    poisoned = np.where(valid, value, 99)
  stored = examples_lib.to_stored(poisoned, valid, form)
  assert (stored.dtype, stored.shape) == (form.dtype, form.shape)
  batch = examples_lib.Examples(
    image=np.zeros((1, 8, 12, 3), np.uint8),
    stored={name: stored[None]},
    present={name: np.array([True])},
    sample=np.zeros(1, np.int32),
    epoch=np.zeros(1, np.int32),
  )
  label = examples_lib.to_labels(batch)[name]
  np.testing.assert_array_equal(label.valid[0], valid)
  np.testing.assert_array_equal(label.value[0][valid], value[valid])
  chex.assert_tree_all_finite(label)


def test_process_reads_the_rows_that_its_devices_need(dataset):
  own = np.array([1, 2])
  selection = select(dataset, "train", NAMES)
  order, reading = Shuffled(3, selection.size), Reading(threads=1)
  whole = Stream(selection, order, 4, reading, np.arange(4))
  part = Stream(selection, order, 4, reading, own)
  for step in (2, 3, 0):
    expected = jax.tree.map(lambda x: x[own], whole(step))
    chex.assert_trees_all_equal(part(step), expected)


def test_rows_of_a_process_are_those_of_its_devices():
  class Two:
    def addressable_devices_indices_map(self, shape):
      assert shape == (8,)
      return {"a": (slice(4, 6),), "b": (slice(0, 2),), "c": (slice(4, 6),)}

  assert own_rows(8, Two()).tolist() == [0, 1, 4, 5]
  assert own_rows(3, None).tolist() == [0, 1, 2]
