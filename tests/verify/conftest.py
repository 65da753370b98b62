import numpy as np
import pytest

from jtr_jax.verify.__main__ import main


@pytest.fixture
def command(tmp_path, capsys):
  """Return a function from arrays to the command's exit code and output."""

  def run(arrays):
    path = tmp_path / "recording.npz"
    np.savez(path, **arrays)
    return main([str(path)]), capsys.readouterr().out

  return run
