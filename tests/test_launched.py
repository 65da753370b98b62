import pytest

from tests import launched


@pytest.mark.parametrize(
  ("codes", "expected"),
  [
    ((0, 0), 0),
    ((143, 143), 143),
    ((0, 143), 143),
    ((75, -9), 75),
    ((-6, 143), 75),
    ((75, 1), 1),
  ],
)
def test_exit_code_of_all(codes, expected):
  assert launched.local.exit_code(codes) == expected
