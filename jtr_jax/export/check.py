"""Whether an exported file says what the checkpoint says."""

from pathlib import Path

import jax
import numpy as np

from jtr_jax.core import errors
from jtr_jax.export.network import Exported, Network

TOLERANCE = 1e-4
"""The largest difference that is allowed, of the largest prediction."""

_BATCHES = (1, 3)


def require_new(out: Path, *, overwrite: bool) -> None:
  """Raise unless a file may be written.

  Raises:
    ValueError: there is one already, or no folder for it.
  """
  if out.is_dir() or (out.exists() and not overwrite):
    found, do = "a folder" if out.is_dir() else "a file", "Choose another --out"
    more = "." if out.is_dir() else ", or add --overwrite."
    raise ValueError(
      errors.message(
        f"The network cannot be written to {out}",
        found=found,
        expected="nothing there",
        do=do + more,
      )
    )
  if not out.parent.is_dir():
    raise ValueError(
      errors.message(
        f"The network cannot be written to {out}",
        found=f"no folder {out.parent}",
        expected="a folder that exists",
        do="Make it first.",
      )
    )


def compare(network: Network, read: Exported) -> dict[str, float]:
  """Compare an exported file with the checkpoint on batches of noise.

  Args:
    network: of the checkpoint.
    read: the file.

  Returns:
    Task -> largest difference, of the largest prediction or 1.

  Raises:
    ValueError: it is more than `TOLERANCE`, or outputs or shapes differ.
  """
  known = jax.jit(network.__call__)
  worst = dict.fromkeys(network.task_names, 0.0)
  for batch in _BATCHES:
    images = network.example(batch, larger=batch - 1)
    expected = jax.device_get(known(images))
    found = read(images)
    for name, value in expected.items():
      difference = _difference(name, np.asarray(value), found)
      worst[name] = max(worst[name], difference)
  wrong = {name: far for name, far in worst.items() if not far <= TOLERANCE}
  if wrong:
    raise _unlike(
      ", ".join(f"{name} off by {far:.2g}" for name, far in wrong.items())
    )
  return worst


def _difference(
  name: str, expected: np.ndarray, found: dict[str, np.ndarray]
) -> float:
  if name not in found:
    raise _unlike(f"no output {name!r}")
  if found[name].shape != expected.shape:
    raise _unlike(f"{name} {found[name].shape}, not {expected.shape}")
  largest = max(1.0, float(np.abs(expected).max()))
  return float(np.abs(found[name] - expected).max()) / largest


def _unlike(found: str) -> ValueError:
  return ValueError(
    errors.message(
      "The exported network is not that of the checkpoint; nothing was written",
      found=found,
      expected=f"the same predictions, to {TOLERANCE:g}",
      do="Export to the other --format, and report this.",
    )
  )
