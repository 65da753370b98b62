from pathlib import Path

import numpy as np
import pytest

from jtr_jax.verify import kinds
from jtr_jax.verify.comparison import RecordError, Recording

FILE = Path(__file__).parent.parent / "golden" / "loss_weighting.npz"


@pytest.fixture(scope="module")
def arrays():
  return dict(np.load(FILE))


def test_every_expected_array_agrees(arrays):
  quantities = list(kinds.recompute(Recording(arrays)))
  expected = {name for name in arrays if "/expected" in name}
  assert {quantity.name for quantity in quantities} == expected
  assert all(quantity.passed for quantity in quantities)


@pytest.mark.parametrize(
  "section",
  ["amtl", "gls", "dwa", "dtp", "uw", "imtl_l", "gradnorm", "delta", "acc_mtl"],
)
def test_changed_numbers_are_found(arrays, section):
  mine = {
    name: array * 1.01 if name.startswith(section + "/expected") else array
    for name, array in arrays.items()
    if name == "kind" or name.startswith(section + "/")
  }
  quantities = list(kinds.recompute(Recording(mine)))
  assert quantities
  assert not any(quantity.passed for quantity in quantities)


def test_what_is_missing_or_unknown_is_named(arrays):
  without = {n: a for n, a in arrays.items() if n != "uw/log_variance"}
  with pytest.raises(RecordError, match="uw/log_variance"):
    list(kinds.recompute(Recording(without)))
  for name in ("magic/expected/loss", "uw/expected/other"):
    extra = Recording({**arrays, name: np.zeros(())})
    with pytest.raises(RecordError, match="Unknown"):
      list(kinds.recompute(extra))
