"""Labels that leave several classes possible."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.tasks import class_sets, colours
from jtr_jax.tasks.classification import Classification
from jtr_jax.tasks.human_parts import HumanParts
from jtr_jax.tasks.segmentation import Segmentation

CLASSES = 4
SETS = ((0, 1), (2, 3), (0, 1, 2))
IDS = CLASSES + len(SETS)
SHAPE = (2, 3, 5)
PLAIN = Segmentation("plain", CLASSES)
OPEN = Segmentation("open", CLASSES, sets=SETS)
EACH = Segmentation("each", CLASSES, sets=SETS, class_loss="sigmoid")


@functools.partial(jax.jit, static_argnums=0)
def loss_and_gradient(task, logits, label):
  def total(logits):
    loss = task.loss(logits, label)
    return jnp.sum(loss.sum), loss

  (_, loss), gradient = jax.value_and_grad(total, has_aux=True)(logits)
  return loss, gradient


def make_logits(seed=0):
  random = np.random.default_rng(seed)
  return jnp.asarray(random.normal(size=(*SHAPE, CLASSES)), jnp.float32)


def make_ids(seed=1, end=IDS):
  random = np.random.default_rng(seed)
  return jnp.asarray(random.integers(0, end, SHAPE), jnp.int32)


def labelled(ids, valid=None, known=None):
  valid = jnp.ones(SHAPE, bool) if valid is None else valid
  return Label(ids, valid, jnp.ones(SHAPE[0], bool), known)


def values(task, logits, label):
  return task.metric_values(jax.device_get(task.metric_sums(logits, label)))


@pytest.mark.parametrize("seed", range(3))
def test_single_classes_give_the_numbers_of_ordinary_labels(seed):
  """Bit for bit: loss, gradient, metrics."""
  logits = 30 * make_logits(seed)
  label = labelled(make_ids(seed, end=CLASSES))
  chex.assert_trees_all_equal(
    loss_and_gradient(OPEN, logits, label),
    loss_and_gradient(PLAIN, logits, label),
  )
  everything = jnp.ones((SHAPE[0], CLASSES), bool)
  known = labelled(label.value, known=everything)
  assert values(OPEN, logits, known) == values(PLAIN, logits, label)
  assert values(PLAIN, logits, known) == values(PLAIN, logits, label)


def test_a_coarser_taxonomy_has_the_summed_probabilities():
  logits = make_logits()
  fine = make_ids(end=CLASSES)
  coarse = CLASSES + fine // 2  # {0, 1} or {2, 3}
  loss, gradient = loss_and_gradient(OPEN, logits, labelled(coarse))
  probability = np.asarray(jax.nn.softmax(logits), np.float64)
  pairs = probability.reshape(*SHAPE, 2, 2).sum(-1)
  chosen = np.take_along_axis(pairs, np.asarray(fine // 2)[..., None], -1)
  expected = -np.log(chosen[..., 0]).sum((1, 2))
  np.testing.assert_allclose(loss.sum, expected, rtol=1e-6)
  # The gradient is the difference to the probability given the set.
  inside = np.repeat(np.arange(2) == np.asarray(fine // 2)[..., None], 2, -1)
  within = inside * probability / chosen
  np.testing.assert_allclose(gradient, probability - within, atol=1e-6)


def test_classes_of_a_set_may_be_exchanged():
  """Only their sum counts, so what tells them apart is not learnt."""
  logits, label = make_logits(), labelled(jnp.full(SHAPE, CLASSES))
  swapped = logits[..., jnp.array([1, 0, 2, 3])]
  chex.assert_trees_all_close(
    loss_and_gradient(OPEN, logits, label)[0],
    loss_and_gradient(OPEN, swapped, label)[0],
    rtol=1e-6,
  )


@pytest.mark.parametrize("task", [OPEN, EACH], ids=lambda task: task.name)
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
def test_gradients_are_finite(task, scale):
  result = loss_and_gradient(task, scale * make_logits(), labelled(make_ids()))
  chex.assert_tree_all_finite(result)


@pytest.mark.parametrize("task", [OPEN, EACH], ids=lambda task: task.name)
def test_what_is_not_labelled_changes_nothing(task):
  valid = make_ids(seed=5) > 1
  logits, ids = make_logits(), make_ids()
  clean = loss_and_gradient(task, logits, labelled(ids, valid))
  dirty = loss_and_gradient(
    task,
    jnp.where(valid[..., None], logits, jnp.nan),
    labelled(jnp.where(valid, ids, 10**6), valid),
  )
  chex.assert_trees_all_equal(clean, dirty)
  beyond = labelled(jnp.where(valid, ids, IDS))
  chex.assert_trees_all_equal(loss_and_gradient(task, logits, beyond), clean)
  chex.assert_trees_all_equal(task.counted(beyond), valid)


def test_logits_of_open_classes_reach_no_logistic_loss():
  """With a loss for each class, unknown ones may hold anything."""
  logits, label = make_logits(), labelled(make_ids())
  clean = loss_and_gradient(EACH, logits, label)
  may_be = class_sets.possible(label.value, CLASSES, SETS)
  is_open = may_be & EACH.leaves_open(label)[..., None]
  dirty = loss_and_gradient(EACH, jnp.where(is_open, jnp.nan, logits), label)
  chex.assert_trees_all_equal(clean, dirty)
  assert np.all(np.asarray(clean[1])[np.asarray(is_open)] == 0)
  decided = np.where(is_open, 0, jax.nn.softplus(logits) - logits * may_be)
  np.testing.assert_allclose(clean[0].sum, decided.sum((1, 2, 3)), rtol=1e-5)


def test_a_class_is_evaluated_in_the_images_that_know_it():
  known = jnp.array([[True] * 4, [True, True, False, False]])
  ids = jnp.array([[[0, 1, 2, 3]], [[0, 0, 5, 5]]])  # 5 is {2, 3}
  predicted = jnp.array([[[0, 1, 3, 3]], [[0, 1, 2, 0]]])
  label = Label(ids, jnp.ones((2, 1, 4), bool), jnp.ones(2, bool), known)
  logits = jax.nn.one_hot(predicted, CLASSES)
  sums = jax.device_get(OPEN.metric_sums(logits, label))
  assert sums["labelled"].tolist() == [3, 1, 1, 1]
  assert sums["predicted"].tolist() == [3, 2, 0, 2]
  assert sums["right"].tolist() == [2, 1, 0, 1]
  assert sums["confusion"].sum() == 6  # without the pixels of a set
  found = OPEN.metric_values(sums)
  assert found["miou"] == pytest.approx(np.mean([2 / 4, 1 / 2, 0, 1 / 2]))
  assert found["pixel_accuracy"] == pytest.approx(4 / 6)


def test_classes_that_an_image_does_not_know_do_not_count():
  """Whatever is predicted there, and whatever the label holds."""
  known = jnp.array([[True] * 4, [True, True, False, False]])
  logits, ids = make_logits(), make_ids(end=CLASSES)
  ids = ids.at[1].set(jnp.where(ids[1] > 1, 5, ids[1]))
  swap = jnp.where(logits[1].argmax(-1) > 1, 5 - logits[1].argmax(-1), -1)
  other = jnp.where(
    swap[..., None] >= 0, 9 * jax.nn.one_hot(swap, 4), logits[1]
  )
  assert np.any(other.argmax(-1) != logits[1].argmax(-1))
  label = labelled(ids, known=known)
  sums = lambda logits: {
    name: total
    for name, total in OPEN.metric_sums(logits, label).items()
    if name != "confusion"
  }
  chex.assert_trees_all_equal(sums(logits), sums(logits.at[1].set(other)))


def test_a_restricted_prediction_keeps_the_ratios_of_what_is_possible():
  logits = make_logits()
  valid = make_ids(seed=5) > 1
  label = labelled(make_ids(), valid)
  before = np.asarray(jax.nn.softmax(logits), np.float64)
  after = np.asarray(jax.nn.softmax(OPEN.restrict(logits, label)))
  may_be = class_sets.possible(label.value, CLASSES, SETS)
  may_be = np.asarray(may_be | ~valid[..., None])
  expected = before * may_be
  expected /= expected.sum(-1, keepdims=True)
  np.testing.assert_allclose(after, expected, atol=1e-6)
  assert np.all(after[~may_be] == 0)
  assert PLAIN.restrict(logits, label) is logits


def test_pseudo_labels_choose_among_the_possible_classes():
  label = labelled(make_ids())
  ids, _ = OPEN.pseudo_label(
    OPEN.restrict(make_logits(), label), confidence=0.0
  )
  may_be = class_sets.possible(label.value, CLASSES, SETS)
  assert np.take_along_axis(np.asarray(may_be), ids[..., None], -1).all()


def test_pictures_hatch_what_is_open():
  value = np.array([[0, 3, CLASSES, -1, IDS]])
  picture = OPEN.picture(value)
  stripes = colours.hatched(*value.shape)
  np.testing.assert_array_equal(picture[:, 2], stripes[:, 2])
  assert (picture[0, 3:] == colours.INVALID).all()
  np.testing.assert_array_equal(picture[0, :2], PLAIN.picture(value)[0, :2])
  wrong = OPEN.error_picture(np.array([[0, 0, 1, 0, 0]]), value)
  right = OPEN.error_picture(np.array([[0, 3, 0, 0, 0]]), value)
  np.testing.assert_array_equal(wrong[0, 2], right[0, 2])  # 0 or 1
  assert np.any(wrong[0, 1] != right[0, 1])


def test_image_level_labels_may_be_open():
  task = Classification("scene", 3, ("a", "b", "c"), sets=((0, 2),))
  ids = jnp.array([3, 1]).reshape(2, 1, 1)
  label = Label(ids, jnp.ones((2, 1, 1), bool), jnp.ones(2, bool))
  logits = jnp.log(jnp.array([[0.2, 0.5, 0.3]] * 2)).reshape(2, 1, 1, 3)
  loss, _ = loss_and_gradient(task, logits, label)
  np.testing.assert_allclose(loss.sum, [-np.log(0.5)] * 2, rtol=1e-6)
  assert task.metric_sums(logits, label)["images"].tolist() == [0, 1, 0]
  assert task.caption(np.array([[3]])) == "a or c"


def test_an_image_that_may_be_background_shows_no_part():
  task = HumanParts("parts", 3, sets=((0, 1), (1, 2)))
  ids = jnp.array([[[0, 3]], [[0, 4]]])
  label = Label(ids, jnp.ones((2, 1, 2), bool), jnp.ones(2, bool))
  assert task.counted(label).tolist() == [[[False] * 2], [[True] * 2]]


@pytest.mark.parametrize("one", [(), (1,), (0, 1, 2, 3), (0, 4)])
def test_sets_that_say_nothing_are_refused(one):
  with pytest.raises(ValueError, match="a set of classes that says nothing"):
    Segmentation("open", CLASSES, sets=(one,))
