import numpy as np
import pytest
from absl import logging

from jtr_jax.config import label_warnings
from tests import config_files

N = 5


@pytest.fixture
def told(monkeypatch):
  """Return the warnings."""
  words = []
  monkeypatch.setattr(logging, "warning", lambda *given: words.append(given))
  return words


def method(name, **changes):
  return config_files.settings(name, **changes).method


def test_images_without_labels_are_told_if_jtr_leaves_them_out(told):
  present = np.ones((N, 3), bool)
  jtr = method("nyu_jtr")
  label_warnings.warn(jtr, present)
  assert not told
  present[3] = False
  label_warnings.warn(jtr, present)
  assert f"1 of {N} images have no label" in told[0][1]
  own = method("nyu_jtr", method__unlabelled="consistency")
  label_warnings.warn(own, present)
  assert len(told) == 1


def test_mtpsl_without_any_pair_is_told(told):
  present = np.ones((N, 3), bool)
  present[0] = False
  mtpsl = method("nyu_mtpsl")
  label_warnings.warn(mtpsl, present)
  assert "all_pairs" in told[0][1]
  full = method("nyu_mtpsl", method__fully_labelled="all_pairs")
  label_warnings.warn(full, present)
  present[1, 0] = False
  label_warnings.warn(mtpsl, present)
  assert len(told) == 1
