"""Metrics of a whole split."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
from jax.sharding import Mesh, PartitionSpec

from jtr_jax.data.loading.examples import to_images, to_labels
from jtr_jax.data.loading.feed import Feed
from jtr_jax.metrics import accumulate
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.tasks.base import Task
from jtr_jax.train.dispatch import fetch_batch, over_rows, replicated
from jtr_jax.train.state import TrainState

ImageSums: TypeAlias = dict[str, dict[str, jax.Array]]
"""For each task what `Task.metric_sums` returns, with a leading axis B."""

EvaluationStep: TypeAlias = Callable[[TrainState, Any, Any], ImageSums]


def make_evaluation_step(
  net: MultiTaskNet, feed: Feed, mesh: Mesh
) -> EvaluationStep:
  """Return the jitted (state, constant, fetched) -> sums of every image.

  Every device evaluates its own images. Nothing is added up across images
  here, so that metrics do not depend on how the images are divided.

  Args:
    net: the network, used with its running statistics.
    feed: of the split.
    mesh: devices along the axis "data" that divide the batch.
  """

  def of_shard(state: TrainState, constant: Any, fetched: Any) -> ImageSums:
    examples = feed.gather(constant, fetched)
    predictions, _ = net.predict(
      *state.to_evaluate, to_images(examples), train=False
    )
    labels = to_labels(examples)
    return {
      task.name: jax.vmap(_sums_of_image(task))(
        predictions[task.name], labels[task.name]
      )
      for task in net.tasks
    }

  whole, images = PartitionSpec(), PartitionSpec("data")
  return jax.jit(
    jax.shard_map(
      of_shard,
      mesh=mesh,
      in_specs=(whole, whole, images),
      out_specs=images,
      check_vma=False,
    ),
    in_shardings=(
      replicated(mesh),
      replicated(mesh),
      over_rows(mesh),
    ),
    out_shardings=replicated(mesh),
  )


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
    following = step(state, feed.constant, fetch_batch(feed, index))
    if running:
      totals = accumulate.add_images(totals, running)
    running = following
  totals = accumulate.add_images(totals, running)
  return accumulate.values(net.tasks, totals)


def _sums_of_image(task: Task) -> Callable[..., dict[str, jax.Array]]:
  def sums(*fields: Any) -> dict[str, jax.Array]:
    return task.metric_sums(*jax.tree.map(lambda x: x[None], fields))

  return sums
