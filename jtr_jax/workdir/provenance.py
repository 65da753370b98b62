"""What a run's numbers may depend on in addition to its config."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path

import jax

import jtr_jax

_PACKAGES = (
  "jax",
  "jaxlib",
  "flax",
  "optax",
  "orbax-checkpoint",
  "numpy",
  "tensorflow-datasets",
)


def versions() -> dict[str, str]:
  """Return versions of what the numbers may depend on, and the devices."""
  return {
    "jtr_jax": jtr_jax.__version__,
    "python": platform.python_version(),
    **{name: metadata.version(name) for name in _PACKAGES},
    "devices": f"{jax.device_count()} x {jax.devices()[0].device_kind}",
    "processes": str(jax.process_count()),
  }


def git_revision(folder: str | Path | None = None) -> str | None:
  """Return the revision of the code, "-dirty" added if it was edited.

  Args:
    folder: inside the working tree; that of this package if None.

  Returns:
    The revision, None if the code is not in a git working tree.
  """
  folder = folder or Path(__file__).parent
  command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40"]
  tracked = ["git", "-C", str(folder), "ls-files", "--error-unmatch", "."]
  try:
    subprocess.run(tracked, check=True, capture_output=True, timeout=10)
    described = subprocess.run(
      [*command, "--dirty", "--exclude=*"],
      check=True,
      capture_output=True,
      text=True,
      timeout=10,
    )
  except (OSError, subprocess.SubprocessError):
    return None
  return described.stdout.strip()
