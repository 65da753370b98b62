"""The recorded JTR step goes through the command line.

It is recomputed once: altered recordings are compared with the same outcome.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tests
from jtr_jax.verify import jtr_recording, jtr_step
from jtr_jax.verify.comparison import Recording

GOLDEN = tests.GOLDEN / "jtr_nyuv2_step.npz"
RUN = jtr_step.run
CITYSCAPES = 14  # channels of 13 classes and depth


@pytest.fixture(scope="module")
def arrays():
  with np.load(GOLDEN) as archive:
    return dict(archive)


@pytest.fixture(scope="module")
def outcome(arrays):
  with jax.enable_x64(True):
    return jtr_step.run(jtr_recording.read(Recording(arrays)))


@pytest.fixture
def check(monkeypatch, outcome, command):
  """Return the command, which needs not run the step again."""
  monkeypatch.setattr(jtr_step, "run", lambda step: outcome)
  return command


def test_the_recorded_step_agrees(arrays, check):
  code, out = check(arrays)
  assert code == 0
  assert out.count(" ok\n") == 560
  assert "560 agree, 0 differ" in out


PERTURBED = {
  "view1/pred": "view1/pred",
  "loss/supervised_per_task": "loss/supervised_per_task",
  "loss/dist": "loss/dist",
  "loss/recon": "loss/recon",
  "loss/total": "loss/total",
  "grad_model/encoder_block.1.0.weight": (
    "grad_model/encoder/encoder1/conv0/kernel"
  ),
  "grad_model/pred_task2.0.bias": "grad_model/decoder_depth/conv0/bias",
  "grad_jtr/pred_layer.1.weight": "grad_jtr/head/conv1/kernel",
  "after_model/pred_task2.1.weight": "after_model/decoder_depth/conv1/kernel",
  "after_model/pred_task3.0.bias": "after_model/decoder_normals/conv0/bias",
  "after_model/encoder_block.0.1.running_mean": (
    "after_model/encoder/encoder0/norm0/mean"
  ),
  "after_jtr/conv_block_dec.2.1.1.weight": (
    "after_jtr/trunk/decoder2/norm2/scale"
  ),
  "after_jtr/encoder_block.0.1.running_var": (
    "after_jtr/trunk/encoder0/norm0/var"
  ),
  "eval/pred": "eval/pred",
}


def test_one_perturbed_number_fails_in_its_own_row(arrays, check):
  altered = dict(arrays)
  for name in PERTURBED:
    altered[name] = altered[name].copy()
    largest = np.nanargmax(np.abs(altered[name]))
    altered[name].flat[largest] *= 1.002
  code, out = check(altered)
  assert code == 1
  failed = [line for line in out.splitlines() if "MISMATCH" in line]
  assert {line.split()[0] for line in failed} == set(PERTURBED.values())
  assert f"{560 - len(PERTURBED)} agree, {len(PERTURBED)} differ" in out


def test_a_bias_ahead_of_batch_norm_may_differ_by_two_steps(arrays, check):
  name = "after_model/encoder_block.1.0.bias"
  step = 1e-4 * np.eye(1, len(arrays[name]), dtype=np.float32)[0]
  assert check({**arrays, name: arrays[name] + 1.9 * step})[0] == 0
  assert check({**arrays, name: arrays[name] + 4.1 * step})[0] == 1


@pytest.mark.parametrize(
  "name",
  [
    "labels_weights",
    "view2/normal",
    "model/conv_block_enc.0.1.running_mean",
    "jtr/pred_layer.0.weight",
    "loss/dist",
    "after_model/encoder_block.0.1.running_var",
  ],
)
def test_a_missing_array_is_reported(arrays, check, name):
  code, out = check({n: a for n, a in arrays.items() if n != name})
  assert code == 1
  assert f"ERROR: Missing quantity. Found: no array {name!r}" in out


@pytest.mark.parametrize(
  ("changes", "named"),
  [
    ({"channel_dims": np.array([13, 3, 1])}, "channel_dims"),
    ({"channel_dims": np.array([13])}, "channel_dims"),
    ({"channel_dims": np.array([13, 1])}, "labels_weights"),
    ({"channel_dims": np.array([7, 1, 3])}, "model/decoder_segmentation"),
    ({"filters": np.array([4, 6, 8, 10])}, "filters"),
    ({"filters": np.array([4, 6, 8, 10, 12])}, "model/encoder/"),
    ({"view1/depth": np.zeros((3, 1, 32, 32))}, "view1/depth"),
    ({"view0/image": np.zeros((3, 32, 64))}, "view0/image"),
    ({"eval/pred": np.zeros((3, 17, 32, 32))}, None),
  ],
)
def test_arrays_that_do_not_fit_are_reported(arrays, check, changes, named):
  code, out = check({**arrays, **changes})
  assert code == 1
  if named is None:
    assert "MISMATCH" in out
  else:
    assert f"ERROR: Array '{named}" in out
    assert "has the wrong shape" in out


def two_tasks(arrays):
  """Return the recorded step without normals, in the form of Cityscapes.

  A head less leaves the other predictions as recorded. What the step makes of
  them is another number: NaN, not compared.
  """
  made = ("loss/", "grad_", "after_", "eval/")
  kept = {}
  for name, array in arrays.items():
    if name.endswith("/normal") or "pred_task3" in name:
      continue
    if name in ("labels_weights", "channel_dims", "loss/supervised_per_task"):
      array = array[..., :2]
    elif name.endswith("/pred") or "jtr/encoder_block.0.0.weight" in name:
      array = array[:, :CITYSCAPES]
    elif "jtr/pred_layer.1" in name:
      array = array[:CITYSCAPES]
    kept[name] = np.full_like(array, np.nan) if name.startswith(made) else array
  return kept


def test_two_tasks_without_normals(arrays, check, monkeypatch):
  """Predictions for real, everything else by its shape."""

  def run(step):
    traced = jax.eval_shape(lambda: RUN(step))
    blank = jax.tree.map(lambda x: jnp.zeros(x.shape), traced)
    images = step.images.reshape(-1, *step.images.shape[2:])
    predict = jax.jit(functools.partial(step.net.predict, train=True))
    flat, _ = predict(step.variables["model"], step.states["model"], images)
    predictions = {
      name: x.reshape(jtr_recording.VIEWS, -1, *x.shape[1:])
      for name, x in flat.items()
    }
    losses = blank.losses._replace(predictions=predictions)
    return blank._replace(losses=losses)

  monkeypatch.setattr(jtr_step, "run", run)
  recorded = two_tasks(arrays)
  code, out = check(recorded)
  assert code == 0, out
  assert "view2/pred" in out
  assert "decoder_normals" not in out
