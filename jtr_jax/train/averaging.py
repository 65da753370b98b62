"""Averages of the parameters along the way, to evaluate with.

They are part of the running statistics of the network, `model_state`, so that a
checkpoint has them and a run without them is as it always was.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.methods.base import Tree

AVERAGE = "average"
"""The stage of `model_state` that holds the averages."""

_OTHERS = ("method", "balancer", AVERAGE)


class Averaging(NamedTuple):
  """How parameters are averaged.

  Attributes:
    decay: fraction of the old average that an update keeps; 0: no averages.
    every: training steps that make one update of the parameters.
  """

  decay: float = 0.0
  every: int = 1

  def start(self, params: Tree, model_state: Tree) -> Tree:
    """Return the model state, with averages that begin at the parameters.

    Args:
      params: by stage.
      model_state: running statistics by stage.
    """
    if not self.decay:
      return model_state
    average = {"params": _network(params), "statistics": _network(model_state)}
    copied = jax.tree.map(jnp.array, average)  # the state is donated
    return {**model_state, AVERAGE: copied}

  def advance(
    self, before: Tree, params: Tree, model_state: Tree, step: jax.Array
  ) -> Tree:
    """Return the model state with averages moved towards the new values.

    average <- d average + (1 - d) new, where d = min(decay, (1 + n) / (10 + n))
    after n updates, so that a short run forgets its start, too. Statistics of
    batch norm are averaged as well, for they belong to the parameters.

    Args:
      before: model state before the step.
      params: after the step.
      model_state: after the step, without averages.
      step: i32[], steps made before this one.

    Source: TensorFlow's ExponentialMovingAverage with `num_updates`.
    """
    if not self.decay:
      return model_state
    updates = jnp.asarray(step // self.every, float)
    kept = jnp.minimum(self.decay, (1 + updates) / (10 + updates))
    due = (step + 1) % self.every == 0
    new = {"params": _network(params), "statistics": _network(model_state)}

    def move(old: jax.Array, value: jax.Array) -> jax.Array:
      moved = old + (1 - kept).astype(old.dtype) * (value - old)
      return jnp.where(due, moved, old)

    return {**model_state, AVERAGE: jax.tree.map(move, before[AVERAGE], new)}


NO_AVERAGE = Averaging()
"""Evaluate with the parameters as they are."""


def to_evaluate(params: Tree, model_state: Tree) -> tuple[Tree, Tree]:
  """Return parameters and statistics to evaluate with: averages if there are.

  Args:
    params: by stage.
    model_state: by stage.
  """
  if AVERAGE not in model_state:
    return params, model_state
  average = model_state[AVERAGE]
  return (
    {**params, **average["params"]},
    {**model_state, **average["statistics"]},
  )


def _network(tree: Tree) -> Tree:
  """Return the stages of the network, without those of method and balancer."""
  return {name: part for name, part in tree.items() if name not in _OTHERS}
