import numpy as np
import pytest

import tests
from jtr_jax.verify import aggregators
from jtr_jax.verify.comparison import RecordError, Recording

GOLDEN = tests.GOLDEN / "aggregators.npz"


@pytest.fixture(scope="module")
def arrays():
  with np.load(GOLDEN) as archive:
    return dict(archive)


def test_recorded_gradients_are_recomputed_and_each_changed_one_is_found(
  arrays,
):
  recorded = [n for n in arrays if not n.startswith(("jacobian", "kind"))]
  # Of this one only the norm is compared: the recorded solver did not converge.
  norm = "nash_mtl/badly_scaled_3x20"
  changed = {
    name: arrays[name] * (1 + 4e-3) + 1e-9 for name in {*recorded[::2], norm}
  }
  quantities = list(aggregators.recompute(Recording(arrays | changed)))
  renamed = {norm: f"{norm} (norm)"}
  failed = [q.name for q in quantities if not q.passed]
  assert sorted(failed) == sorted(renamed.get(n, n) for n in changed)
  names = [q.name for q in quantities]
  assert sorted(names) == sorted(renamed.get(n, n) for n in recorded)


def test_solver_that_found_no_minimum_is_followed():
  with np.load(GOLDEN.with_name("aggregators_unbounded.npz")) as archive:
    arrays = dict(archive)
  quantities = list(aggregators.recompute(Recording(arrays)))
  assert [q.name for q in quantities if not q.passed] == []
  assert len(quantities) == len(arrays) - 3  # kind and the two Jacobians


@pytest.mark.parametrize("missing", ["jacobian/", "mgda/conflict", "upgrad/"])
def test_missing_arrays_are_named(arrays, missing):
  kept = {n: x for n, x in arrays.items() if not n.startswith(missing)}
  with pytest.raises(RecordError, match=missing):
    list(aggregators.recompute(Recording(kept)))


@pytest.mark.parametrize(
  ("name", "value", "told"),
  [
    ("krum/gauss_2x5", np.zeros(5), "Unknown method"),
    ("mgda/gauss_2x5", np.zeros(4), "wrong shape"),
    ("jacobian/gauss_2x5", np.full((2, 5), np.nan), "not finite"),
  ],
)
def test_damaged_arrays_are_refused(arrays, name, value, told):
  with pytest.raises(RecordError, match=told):
    list(aggregators.recompute(Recording(arrays | {name: value})))
