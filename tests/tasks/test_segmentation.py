import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.tasks import colours
from jtr_jax.tasks.segmentation import Segmentation

TASK = Segmentation("segmentation", 3)
KEY = jax.random.key(0)
loss_of = jax.jit(TASK.loss)
metric_sums = jax.jit(TASK.metric_sums)
reconstruction_loss = jax.jit(TASK.reconstruction_loss)


def label_of(ids):
  ids = np.asarray(ids, np.int32)[None, None]
  return Label(ids, np.ones(ids.shape, bool), np.ones(1, bool))


def logits_of(*rows):
  return np.asarray(rows, np.float32)[None, None]


def prediction_of(*ids):
  return logits_of(*np.eye(3)[list(ids)])


def values_of(prediction, label):
  return TASK.metric_values(jax.device_get(metric_sums(prediction, label)))


def test_cross_entropy_of_known_probabilities():
  prediction = np.log(logits_of([0.5, 0.25, 0.25], [0.1, 0.1, 0.8]))
  loss = loss_of(prediction, label_of([1, 2]))
  np.testing.assert_allclose(loss.sum, [-np.log(0.25) - np.log(0.8)], rtol=1e-6)
  assert loss.weight == 2


def test_cross_entropy_of_huge_logits_is_finite():
  loss = loss_of(logits_of([1e30, -1e30, 0]), label_of([2]))
  np.testing.assert_allclose(loss.sum, [1e30], rtol=1e-6)


def test_ids_out_of_range_count_nowhere():
  logits = logits_of([0, 1, 2], [5, 0, 0], [0, 3, 1], [1, 1, 1])
  label = label_of([2, 3, -1, 10**9])
  loss = loss_of(logits, label)
  alone = loss_of(logits[:, :, :1], label_of([2]))
  chex.assert_trees_all_close(loss, alone)
  confusion = metric_sums(logits, label)["confusion"]
  assert confusion.sum() == confusion[2, 2] == 1


def test_confusion_has_labels_in_rows():
  prediction = prediction_of(0, 1, 1, 2)
  sums = metric_sums(prediction, label_of([0, 0, 1, 2]))
  np.testing.assert_array_equal(
    sums["confusion"], [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
  )
  values = TASK.metric_values(jax.device_get(sums))
  assert values["miou"] == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
  assert values["pixel_accuracy"] == pytest.approx(3 / 4)


def test_class_that_occurs_nowhere_is_left_out():
  prediction = prediction_of(0, 1, 1)
  assert values_of(prediction, label_of([0, 1, 1]))["miou"] == 1


def test_class_that_is_only_predicted_counts_as_missed():
  prediction = prediction_of(0, 2)
  assert values_of(prediction, label_of([0, 0]))["miou"] == pytest.approx(1 / 4)


@pytest.mark.parametrize("relaxation", ["gumbel", "straight_through"])
def test_hard_relaxations_are_one_hot_with_a_soft_gradient(relaxation):
  logits = jax.random.normal(jax.random.key(1), (64, 3))
  weights = jnp.array([1.0, 2.0, 4.0])

  noise = jax.random.gumbel(KEY, logits.shape) * (relaxation == "gumbel")

  def hard(x):
    code = TASK.joint_prediction(x, relaxation=relaxation, key=KEY)
    return jnp.sum(code * weights), code

  def soft(x):
    code = jax.nn.softmax(x + noise)
    return jnp.sum(code * weights), code

  gradients = jax.jit(
    lambda x: [jax.grad(f, has_aux=True)(x) for f in (hard, soft)]
  )
  (gradient, code), (soft_gradient, soft_code) = gradients(logits)
  assert np.all((code == 0) | (code == 1))
  assert np.all(code.sum(-1) == 1)
  np.testing.assert_array_equal(code.argmax(-1), soft_code.argmax(-1))
  chex.assert_trees_all_close(gradient, soft_gradient, atol=1e-6)


def test_gumbel_draws_follow_the_probabilities():
  logits = jnp.broadcast_to(jnp.log(jnp.array([0.6, 0.3, 0.1])), (20_000, 3))
  encode = jax.jit(
    lambda key: TASK.joint_prediction(logits, relaxation="gumbel", key=key)
  )
  draw = np.asarray(encode(KEY))
  np.testing.assert_allclose(draw.mean(0), [0.6, 0.3, 0.1], atol=0.015)
  np.testing.assert_array_equal(draw, encode(KEY))
  assert np.any(draw != encode(jax.random.key(1)))


def test_softmax_relaxation_and_comparable_are_probabilities():
  logits = jnp.log(jnp.array([0.5, 0.25, 0.25]))
  soft = TASK.joint_prediction(logits, relaxation="softmax", key=KEY)
  np.testing.assert_allclose(soft, [0.5, 0.25, 0.25], rtol=1e-6)
  chex.assert_trees_all_equal(soft, TASK.comparable(logits))


def test_unknown_relaxation_names_the_nearest():
  with pytest.raises(ValueError, match="Did you mean 'gumbel'"):
    TASK.joint_prediction(jnp.zeros(3), relaxation="gumble", key=KEY)


def test_reconstruction_of_a_soft_target_is_a_divergence():
  target = logits_of([0.5, 0.25, 0.25], [0.2, 0.2, 0.6])
  mask = jnp.ones((1, 1, 2), bool)
  perfect = reconstruction_loss(jnp.log(target), target, mask)
  np.testing.assert_allclose(perfect.sum, [0], atol=1e-6)
  flat = reconstruction_loss(jnp.zeros_like(target), target, mask)
  entropy = -np.sum(np.asarray(target) * np.log(target))
  np.testing.assert_allclose(flat.sum, [2 * np.log(3) - entropy], rtol=1e-5)


def test_reconstruction_gradients_are_those_of_the_cross_entropy():
  target = logits_of([0.5, 0.5, 0.0], [0.2, 0.2, 0.6])
  raw = logits_of([1, -2, 3], [0, 0.5, 1])
  mask = jnp.ones((1, 1, 2), bool)

  def ours(raw, target):
    return jnp.sum(reconstruction_loss(raw, target, mask).sum)

  def plain(raw, target):
    return -jnp.sum(target * jax.nn.log_softmax(raw))

  gradients = jax.jit(
    lambda *x: [jax.grad(f, (0, 1))(*x) for f in (ours, plain)]
  )
  chex.assert_trees_all_close(*gradients(raw, target), atol=1e-6)


@pytest.mark.parametrize(
  ("arguments", "word"),
  [((1,), "num_classes = 1"), ((3, ("bed", "wall")), "2 names")],
)
def test_bad_classes_are_refused(arguments, word):
  with pytest.raises(ValueError, match=word):
    Segmentation("segmentation", *arguments)


def test_colours_of_classes_differ_and_never_change():
  palette = colours.palette(40).astype(int)
  np.testing.assert_array_equal(colours.palette(13), palette[:13])
  np.testing.assert_array_equal(colours.palette(3), palette[:3])
  every = np.concatenate([palette, [colours.INVALID]])
  distance = np.abs(every[:, None] - every).sum(-1) + 999 * np.eye(41)
  assert distance[:14, :13].min() > 90
  assert distance.min() > 30


def test_legend_names_the_colours_of_the_picture():
  task = Segmentation("segmentation", 2, ("bed", "wall"))
  picture = task.picture(np.array([[0, 1]]))
  assert [name for name, _ in task.legend] == ["bed", "wall"]
  np.testing.assert_array_equal([c for _, c in task.legend], picture[0])
  assert TASK.legend == ()


def test_pseudo_label_counts_from_the_confidence_on():
  probability = jnp.asarray([[[0.5, 0.3, 0.2], [0.1, 0.45, 0.45]]])
  task = Segmentation("segmentation", 3)
  value, valid = task.pseudo_label(jnp.log(probability), confidence=0.46)
  assert value.tolist() == [[0, 1]]
  assert valid.tolist() == [[True, False]]
