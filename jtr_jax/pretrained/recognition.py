"""Which published network the tensors of a file belong to."""

from typing import NamedTuple

from jtr_jax.models import published
from jtr_jax.models.published.tensors import COUNTER
from jtr_jax.tensor_files.state_dict import StateDict


class Nearest(NamedTuple):
  """A network that has most of the names of a file.

  Attributes:
    network: <library>.<architecture>.
    missing: its tensors that the file does not have.
    left_over: tensors of the file that it does not have.
  """

  network: str
  missing: tuple[str, ...]
  left_over: tuple[str, ...]


def fitting(found: StateDict) -> tuple[str, ...]:
  """Return the networks that have exactly these tensors, shapes included."""
  return tuple(
    name for name in published.guess(tuple(found.tensors)) if _fits(name, found)
  )


def nearest(found: StateDict) -> Nearest | None:
  """Return the network with most names in common, None if it has not half."""
  given = {name for name in found.tensors if not name.endswith(COUNTER)}
  best, most = None, 0.5
  for name in published.NETWORKS:
    for table in published.find(name).tables:
      names = {row.name for row in table}
      common = len(names & given) / max(1, len(names | given))
      if common > most:
        left = tuple(n for n in found.tensors if n in given - names)
        best, most = Nearest(name, tuple(sorted(names - given)), left), common
  return best


def _fits(name: str, found: StateDict) -> bool:
  try:
    published.load(name, found.tensors)
  except ValueError:
    return False
  return True
