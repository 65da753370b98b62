"""Trained parameters in the place of random ones, before the first step."""

from collections.abc import Mapping
from typing import NamedTuple

from jtr_jax.models.base import Tree


class InitialWeights(NamedTuple):
  """Some parameters and statistics of a network, by stage.

  Attributes:
    params: nested dictionaries of arrays, a part of those of the network.
    model_state: running statistics of batch norm, likewise.
  """

  params: Tree
  model_state: Tree

  def over(self, params: Tree, model_state: Tree) -> tuple[Tree, Tree]:
    """Return the network's own trees with these arrays in place of theirs."""
    return merged(params, self.params), merged(model_state, self.model_state)


NO_WEIGHTS = InitialWeights({}, {})
"""Everything starts at random."""


def merged(tree: Tree, part: Tree) -> Tree:
  """Return nested dictionaries with some of their leaves replaced.

  Args:
    tree: what is replaced; unchanged.
    part: the new leaves; every path of it is one of `tree`.

  Raises:
    KeyError: a path that `tree` does not have.

  Example:
    >>> merged({"a": {"x": 1, "y": 2}, "b": 3}, {"a": {"y": 5}})
    {'a': {'x': 1, 'y': 5}, 'b': 3}
  """
  if not isinstance(part, Mapping):
    return part
  unknown = part.keys() - tree.keys()
  if unknown:
    raise KeyError(*sorted(unknown))
  return {
    name: merged(own, part[name]) if name in part else own
    for name, own in tree.items()
  }
