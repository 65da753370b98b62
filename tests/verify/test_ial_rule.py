import numpy as np
import pytest

import tests
from jtr_jax.verify import ial_rule
from jtr_jax.verify.comparison import RecordError, Recording

FILE = tests.GOLDEN / "ial_rule.npz"


@pytest.fixture(scope="module")
def arrays():
  with np.load(FILE) as file:
    return {name: file[name] for name in file if not name.startswith("case1/")}


def test_recorded_stages_are_recomputed(arrays):
  quantities = list(ial_rule.recompute(Recording(arrays)))
  expected = {name for name in arrays if "/expected/" in name}
  assert {quantity.name for quantity in quantities} == expected
  assert all(quantity.passed for quantity in quantities)


def test_each_changed_number_is_found(arrays):
  mine = {n: a for n, a in arrays.items() if n.startswith("case0/")}
  changed = {n: a * 1.001 if "/expected/" in n else a for n, a in mine.items()}
  assert not any(q.passed for q in ial_rule.recompute(Recording(changed)))


def test_what_is_missing_or_unknown_is_named(arrays):
  without = {n: a for n, a in arrays.items() if n != "case0/primary"}
  with pytest.raises(RecordError, match="case0/primary"):
    list(ial_rule.recompute(Recording(without)))
  extra = {**arrays, "case0/expected/other": np.zeros(())}
  with pytest.raises(RecordError, match="other"):
    list(ial_rule.recompute(Recording(extra)))
