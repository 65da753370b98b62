"""The recorded MTPSL step goes through the command line.

It is recomputed once: altered recordings are compared with the same outcome.
"""

import jax
import numpy as np
import pytest

import tests
from jtr_jax.verify import mtpsl_step
from jtr_jax.verify.comparison import Recording

GOLDEN = tests.GOLDEN / "mtpsl_nyuv2_step.npz"
QUANTITIES = 212


@pytest.fixture(scope="module")
def arrays():
  with np.load(GOLDEN) as archive:
    return dict(archive)


@pytest.fixture(scope="module")
def outcome(arrays):
  with jax.enable_x64(True):
    return mtpsl_step.run(mtpsl_step.read(Recording(arrays)))


@pytest.fixture
def check(monkeypatch, outcome, command):
  """Return the command, which needs not run the step again."""
  monkeypatch.setattr(mtpsl_step, "run", lambda step: outcome)
  return command


def test_the_recorded_step_agrees(arrays, check):
  code, out = check(arrays)
  assert code == 0, out
  assert f"{QUANTITIES} agree, 0 differ" in out


PERTURBED = {
  "view0/pred": "view0/pred",
  "view1/feat": "view1/feat",
  "loss/supervised_per_task": "loss/supervised_per_task",
  "loss/cross_task": "loss/cross_task",
  "loss/total": "loss/total",
  "grad_model/encoder_block.1.0.weight": (
    "grad_model/encoder/encoder1/conv0/kernel"
  ),
  "grad_model/pred_task3.0.bias": "grad_model/decoder_normals/conv0/bias",
  "grad_maps/mapfns.encoder_block.1.gamma": "grad_maps/stage1_layer0/gamma",
  "grad_maps/mapfns.conv_block_enc.2.1.beta": "grad_maps/stage2_layer2/beta",
  "grad_maps/mapfns.pred_encoder_source.1.0.weight": (
    "grad_maps/from_depth/conv0/kernel"
  ),
  "grad_maps/mapfns.conv_block_enc.4.0.bn.weight": (
    "grad_maps/stage4_layer1/norm/scale"
  ),
}


def test_one_perturbed_number_fails_in_its_own_row(arrays, check):
  altered = dict(arrays)
  for name in PERTURBED:
    altered[name] = altered[name].copy()
    largest = np.nanargmax(np.abs(altered[name]))
    altered[name].flat[largest] *= 1 + 5e-5
  code, out = check(altered)
  assert code == 1
  failed = [line for line in out.splitlines() if "MISMATCH" in line]
  assert {line.split()[0] for line in failed} == set(PERTURBED.values())


def test_another_pairs_column_fails(arrays, check):
  """The pairs are those of the record, in its order."""
  name = "grad_maps/mapfns.encoder_block.2.gamma"
  code, out = check({**arrays, name: arrays[name][:, [1, 0, 2, 3, 4, 5]]})
  assert code == 1
  assert "grad_maps/stage2_layer0/gamma" in out.split("MISMATCH")[0]


@pytest.mark.parametrize(
  "name",
  [
    "labels_weights",
    "view1/normal",
    "maps/mapfns.encoder_block.3.beta",
    "grad_maps/mapfns.conv_block_enc.3.1.conv.bias",
    "loss/cross_task",
  ],
)
def test_a_missing_array_is_reported(arrays, check, name):
  code, out = check({n: a for n, a in arrays.items() if n != name})
  assert code == 1
  assert f"ERROR: Missing quantity. Found: no array {name!r}" in out


@pytest.mark.parametrize(
  ("name", "shape", "named"),
  [
    ("labels_weights", (3,), "labels_weights"),
    ("labels_weights", (3, 4), "labels_weights"),
    ("model/pred_task2.1.bias", (2,), "model/pred_task"),
    ("view1/depth", (3, 1, 32, 32), "view1/depth"),
    ("maps/mapfns.encoder_block.3.gamma", (10, 5), "maps/stage3_layer0/gamma"),
    ("filters", (4,), "filters"),
  ],
)
def test_arrays_that_do_not_fit_are_reported(arrays, check, name, shape, named):
  code, out = check({**arrays, name: np.ones(shape, arrays[name].dtype)})
  assert code == 1
  assert f"ERROR: Array '{named}" in out
  assert "has the wrong shape" in out


def test_two_tasks_are_read(arrays):
  """The form of Cityscapes: two pairs, hence two columns of FiLM."""
  kept = {
    name: array[:, :2]
    if name == "labels_weights" or name.endswith((".gamma", ".beta"))
    else array
    for name, array in arrays.items()
    if "/normal" not in name and "pred_encoder_source.2" not in name
  }
  with jax.enable_x64(True):
    step = mtpsl_step.read(Recording(kept))
    outcome = jax.eval_shape(lambda: mtpsl_step.run(step))
  assert set(outcome.seen.predictions) == {"segmentation", "depth"}
  assert outcome.gradients["maps"]["stage0_layer0"]["gamma"].shape[0] == 2
  assert outcome.output.regularizers["cross_task"].shape == (3,)
