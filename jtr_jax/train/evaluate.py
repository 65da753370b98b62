"""Metrics of a whole split."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax

from jtr_jax.data.examples import to_images, to_labels
from jtr_jax.data.feed import Feed
from jtr_jax.metrics import accumulate
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.train.state import TrainState

EvaluationStep: TypeAlias = Callable[[TrainState, Any, Any], dict[str, Any]]


def make_evaluation_step(net: MultiTaskNet, feed: Feed) -> EvaluationStep:
  """Return the jitted (state, constant, fetched) -> sums of every task.

  Args:
    net: the network, used with its running statistics.
    feed: of the split.
  """

  @jax.jit
  def step(state: TrainState, constant: Any, fetched: Any) -> dict[str, Any]:
    examples = feed.gather(constant, fetched)
    predictions, _ = net.predict(
      state.params, state.model_state, to_images(examples), train=False
    )
    labels = to_labels(examples)
    return {
      task.name: task.metric_sums(predictions[task.name], labels[task.name])
      for task in net.tasks
    }

  return step


def evaluate(
  net: MultiTaskNet,
  step: EvaluationStep,
  state: TrainState,
  feed: Feed,
  *,
  steps: int,
) -> dict[str, float]:
  """Return "<task>/<metric>" of a split.

  Args:
    net: the network.
    step: from `make_evaluation_step` for this feed.
    state: parameters and statistics.
    feed: gives every image once; padding has no labels.
    steps: batches of the split.
  """
  totals: accumulate.SplitTotals = {}
  running: dict[str, Any] = {}
  for index in range(steps):
    following = step(state, feed.constant, feed.fetch(index))
    if running:
      totals = accumulate.add(totals, running)
    running = following
  totals = accumulate.add(totals, running)
  return accumulate.values(net.tasks, totals)
