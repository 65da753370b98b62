"""A function of K rows, a number of them computed together."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree


def in_groups(
  function: Callable[[Tree], Tree], rows: Tree, at_once: int
) -> Tree:
  """Return the function of every row, a number of them computed together.

  Args:
    function: of a tree without the leading axis.
    rows: leaves [K, ...].
    at_once: 1 for one after the other, 0 for all.

  Returns:
    Leaves [K, ...]; the same for every `at_once`.
  """
  number = len(jax.tree.leaves(rows)[0])
  size = at_once or number
  groups = [
    jax.vmap(function)(jax.tree.map(lambda x, s=start: x[s : s + size], rows))
    if size > 1
    else jax.tree.map(
      lambda x: x[None],
      function(jax.tree.map(lambda x, s=start: x[s], rows)),
    )
    for start in range(0, number, size)
  ]
  return jax.tree.map(lambda *x: jnp.concatenate(x), *groups)
