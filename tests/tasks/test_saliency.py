import jax
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.tasks.saliency import THRESHOLDS, Saliency

TASK = Saliency("saliency")
SHAPE = (3, 6, 7)


def make(seed=0):
  rng = np.random.default_rng(seed)
  value = (rng.random((*SHAPE, 1)) < 0.3).astype(np.float32)
  value[2] = 0  # nothing salient
  valid = rng.random(SHAPE) < 0.8
  logit = rng.normal(size=(*SHAPE, 1)).astype(np.float32) + 2 * value
  return logit, Label(value, valid, np.array([True, True, True]))


def test_both_classes_weigh_the_same():
  logit, label = make()
  loss = jax.jit(TASK.loss)(logit, label)
  for i in range(3):
    counted = label.valid[i]
    y = label.value[i, ..., 0][counted].astype(float)
    p = 1 / (1 + np.exp(-logit[i, ..., 0][counted].astype(float)))
    share = 1 - y.mean()  # of what is not salient
    expected = -(share * y * np.log(p)) - (1 - share) * (1 - y) * np.log(1 - p)
    np.testing.assert_allclose(loss.sum[i], expected.sum(), rtol=1e-5)
    assert loss.weight[i] == counted.sum()


def test_metrics_are_those_of_the_released_code():
  logit, label = make()
  logit[2] = -5  # nothing predicted where nothing is: an IoU of 1
  totals = jax.device_get(jax.jit(TASK.metric_sums)(logit, label))
  found = TASK.metric_values(totals)
  iou, precision, recall = (np.zeros(len(THRESHOLDS)) for _ in range(3))
  for i in range(3):
    counted = label.valid[i]
    truth = label.value[i, ..., 0][counted] > 0.5
    p = 1 / (1 + np.exp(-logit[i, ..., 0][counted].astype(float)))
    for k, threshold in enumerate(THRESHOLDS):
      guess = p > threshold
      both, either = (guess & truth).sum(), (guess | truth).sum()
      iou[k] += both / either if either else 1
      precision[k] += both / guess.sum() if guess.any() else 0
      recall[k] += both / truth.sum() if truth.any() else 0
  f = 2 * precision * recall / (precision + recall) / 3
  assert found["miou"] == pytest.approx(iou.max() / 3, abs=1e-6)
  assert found["max_f"] == pytest.approx(f.max(), abs=1e-6)


def test_an_image_without_ground_truth_is_no_image():
  logit, label = make()
  part = Label(label.value, label.valid, np.array([True, False, True]))
  totals = jax.device_get(jax.jit(TASK.metric_sums)(logit, part))
  assert totals["images"] == 2


def test_soft_labels_pull_to_their_probability():
  value = np.full((1, 1, 2, 1), 0.5, np.float32)
  label = Label(value, np.ones((1, 1, 2), bool), np.ones(1, bool))
  gradient = jax.grad(lambda x: TASK.loss(x, label).sum.sum())
  np.testing.assert_allclose(gradient(np.zeros((1, 1, 2, 1))), 0, atol=1e-7)


def test_pseudo_labels_are_sure_enough():
  logit = np.log(
    np.array([0.9, 0.4, 0.2, 0.05]) / (1 - np.array([0.9, 0.4, 0.2, 0.05]))
  )
  value, valid = TASK.pseudo_label(logit.reshape(1, 1, 4, 1), confidence=0.75)
  np.testing.assert_array_equal(np.asarray(valid).ravel(), [1, 0, 1, 1])
  np.testing.assert_array_equal(np.asarray(value).ravel(), [1, 0, 0, 0])


def test_draws_follow_the_probability():
  logit = np.full((1, 100, 100, 1), np.log(0.3 / 0.7), np.float32)
  drawn = TASK.joint_prediction(
    logit, relaxation="gumbel", key=jax.random.key(0)
  )
  assert set(np.unique(np.round(drawn, 5))) == {0, 1}
  assert np.mean(drawn) == pytest.approx(0.3, abs=0.02)
  with pytest.raises(ValueError, match="Did you mean 'gumbel'"):
    TASK.joint_prediction(logit, relaxation="gumble", key=jax.random.key(0))
