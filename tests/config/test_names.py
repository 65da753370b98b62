"""No name of a method or balancer is compared: traits say what is needed."""

import ast

import pytest

from jtr_jax.config import registry
from tests import ROOT

WORDS = {"fixed", "mean", "none", "sum"}  # values of other settings, too
NAMES = {
  *registry.METHODS,
  *registry.LOSS_BALANCERS,
  *registry.GRADIENT_BALANCERS,
} - WORDS
ALLOWED = {  # and what the word is there
  "experiment/preflight.py": "stl, a kind of experiment",
  "inference/load.py": "stl, a kind of experiment",
  "methods/jtr/settings.py": "consistency, a value of the method's own field",
  "tables/read.py": "ial, a paper",
}


def compared_names(text):
  """Yield the names that the comparisons of a program contain."""
  for node in ast.walk(ast.parse(text)):
    if isinstance(node, ast.Compare | ast.MatchValue):
      for part in ast.walk(node):
        if isinstance(part, ast.Constant) and part.value in NAMES:
          yield part.value


def test_no_name_is_compared():
  found = {
    str(path.relative_to(ROOT / "jtr_jax")): names
    for path in (ROOT / "jtr_jax").rglob("*.py")
    if (names := sorted(set(compared_names(path.read_text()))))
  }
  expected = {file: [why.split(",")[0]] for file, why in ALLOWED.items()}
  assert found == expected


@pytest.mark.parametrize(
  "text",
  [
    'if method.name == "jtr": pass',
    'x = name in ("uw", "other")',
    'match name:\n  case "ial": pass',
  ],
)
def test_comparisons_are_seen(text):
  assert list(compared_names(text))
