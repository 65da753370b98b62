"""A user's module that the program can import."""

import sys
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def my_lab(tmp_path, monkeypatch):
  """Let `my_lab` and a broken module be found as a user's are."""
  (tmp_path / "my_broken.py").write_text("x = 1\ny = x / 0\n")
  for folder in (Path(__file__).parent, tmp_path):
    monkeypatch.syspath_prepend(folder)
  yield
  for name in ("my_lab", "my_broken"):
    sys.modules.pop(name, None)
