"""Pictures, pseudo labels and the page on every kind of task."""

import re

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.tasks.binary import Binary
from jtr_jax.tasks.colours import INVALID
from jtr_jax.tasks.multilabel import MultiLabel
from tests.config_files import ROOT
from tests.tasks.every_kind import (
  TASKS,
  every_task,
  make_label,
  make_prediction,
  shape_of,
)


@every_task
def test_pictures_show_the_invalid_in_dark_grey(task):
  label = jax.device_get(make_label(task))
  value, valid = label.value[0], label.valid[0]
  is_ids = np.issubdtype(value.dtype, np.integer)
  holes = np.where(
    valid if is_ids else valid[..., None], value, -1 if is_ids else np.nan
  )
  guess = task.output_value(np.asarray(make_prediction(task)))[0]
  assert guess.shape == value.shape
  for picture in (task.picture(holes), task.error_picture(guess, holes)):
    assert picture.shape == (*shape_of(task)[1:], 3)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal((picture == INVALID).all(-1), ~valid)
  right = task.error_picture(value, value)
  assert np.all(right == right[0, 0])
  assert np.any(task.error_picture(guess, value) != right)


@every_task
def test_picture_of_the_joint_encoding_looks_like_the_label(task):
  value = make_label(task).value[0]
  joint = np.array(task.joint_label(value))
  picture = task.picture(np.asarray(value)).astype(int)
  difference = np.abs(task.picture_joint(joint) - picture)
  assert difference.max() <= 3
  joint[0, 0] = np.nan
  assert tuple(task.picture_joint(joint)[0, 0]) == INVALID


@every_task
def test_pseudo_label_is_a_label_of_the_prediction(task):
  prediction = make_prediction(task).at[1, 0].set(jnp.nan)
  value, valid = task.pseudo_label(prediction, confidence=0.0)
  assert valid.shape == shape_of(task)
  assert not valid[1, 0].any()
  assert valid.any()
  expected = task.output_value(np.asarray(prediction))
  if isinstance(task, Binary | MultiLabel):
    expected = np.rint(expected)  # labels are hard
  assert value.shape == expected.shape
  assert value.dtype == expected.dtype
  counted = np.asarray(valid)
  np.testing.assert_allclose(
    np.asarray(value)[counted], expected[counted], rtol=1e-6
  )


def test_the_page_describes_every_kind():
  page = (ROOT / "docs" / "tasks.md").read_text()
  rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", page, re.MULTILINE)
  assert {kind for kind, _ in rows} == {task.kind for task in TASKS}
  described = dict(rows)
  for task in TASKS:
    if described[task.kind] != "the same":
      names = re.findall(r"`([\w.]+)`", described[task.kind])
      assert set(names) <= set(task.metrics)
      assert names[0] == task.primary_metric
