"""Multi-task dense prediction with partially labelled data, in JAX.

What other programs use, each part importable by itself and on first use:

* `jtr_jax.balancing`: balancers of losses and gradients, as optax transforms;
* `jtr_jax.methods`: losses for partially labelled batches, a paper a file;
* `jtr_jax.tasks`: kinds of tasks with their masked losses and metrics;
* `jtr_jax.metrics`: figures over a whole data set, and Delta_MTL;
* `jtr_jax.models`: networks as pure functions of their parameters;
* `jtr_jax.load`: a trained network, from the workdir of its run.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_PACKAGES = ("balancing", "methods", "metrics", "models", "tasks")

__all__ = ["balancing", "load", "methods", "metrics", "models", "tasks"]


def __getattr__(name: str) -> Any:
  """Import a package, or what it holds, when it is first used."""
  if name == "load":
    return importlib.import_module(f"{__name__}.inference.load").load
  if name in _PACKAGES:
    return importlib.import_module(f"{__name__}.{name}")
  raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
  """Return the public names."""
  return sorted({*globals(), *__all__})
