"""The feeds of a run: what it trains on, and what it is evaluated on.

A step's batch is a function of (seed, step), so a run resumes anywhere at no
cost. Whatever the placement, the same steps give the same `Examples`.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from jtr_jax.data.examples import Examples
from jtr_jax.data.feed import (
  LEFT_TO_JIT,
  Feed,
  Placement,
  Shardings,
  placed_feed,
  streaming_feed,
)
from jtr_jax.data.order import Sequential, Shuffled
from jtr_jax.data.records import Dataset
from jtr_jax.data.selection import check_every_task_labelled, select
from jtr_jax.data.stream import DEFAULT_READING, Reading


def make_feed(
  dataset: Dataset,
  split: str,
  task_names: Sequence[str],
  labelled: np.ndarray | None = None,
  *,
  batch_size: int,
  seed: int,
  scenario: str = "as found",
  placement: Placement = "auto",
  device_budget_bytes: int | None = None,
  shardings: Shardings = LEFT_TO_JIT,
  reading: Reading = DEFAULT_READING,
) -> Feed:
  """Return the training feed: epochs without end, each in its own order.

  Args:
    dataset: a prepared data set.
    split: its split.
    task_names: the tasks.
    labelled: bool[N, K], False where a label is to be hidden; rows in the
      order of the split's ids, columns in that of `task_names`.
    batch_size: images in a batch.
    seed: decides the order.
    scenario: how labels were hidden, for an error message.
    placement: "device", "stream", or "auto".
    device_budget_bytes: what "auto" may fill, see `placed_feed`.
    shardings: where arrays go.
    reading: threads and worker processes of a stream.

  Returns:
    The feed; no batch is dropped or padded, some straddle two epochs.

  Raises:
    ValueError: a task without any training label, or a broken record.
  """
  selection = select(dataset, split, task_names, labelled)
  check_every_task_labelled(selection, scenario)
  return placed_feed(
    selection,
    Shuffled(seed, selection.size),
    batch_size=batch_size,
    placement=placement,
    device_budget_bytes=device_budget_bytes,
    shardings=shardings,
    reading=reading,
  )


def evaluation_feed(
  dataset: Dataset,
  split: str,
  task_names: Sequence[str],
  *,
  batch_size: int,
  placement: Placement = "auto",
  device_budget_bytes: int | None = None,
  shardings: Shardings = LEFT_TO_JIT,
  reading: Reading = DEFAULT_READING,
) -> Feed:
  """Return a feed whose first `evaluation_steps` steps go once over a split.

  Rows that fill up the last batch have `present` False for every task.

  Args:
    dataset: a prepared data set.
    split: its split.
    task_names: the tasks.
    batch_size: images in a batch.
    placement: "device", "stream", or "auto".
    device_budget_bytes: what "auto" may fill, see `placed_feed`.
    shardings: where arrays go.
    reading: threads and worker processes of a stream.

  Returns:
    The feed.
  """
  selection = select(dataset, split, task_names)
  return placed_feed(
    selection,
    Sequential(selection.size),
    batch_size=batch_size,
    placement=placement,
    device_budget_bytes=device_budget_bytes,
    shardings=shardings,
    reading=reading,
  )


def evaluation_steps(dataset: Dataset, split: str, batch_size: int) -> int:
  """Return the number of batches that hold every image of a split."""
  return math.ceil(dataset.manifest.split(split).size / batch_size)


def evaluation_batches(
  dataset: Dataset, split: str, task_names: Sequence[str], batch_size: int
) -> Iterator[tuple[Examples, int]]:
  """Yield a split once, in batches of one size, read from disk.

  Args:
    dataset: a prepared data set.
    split: its split.
    task_names: the tasks.
    batch_size: images in a batch.

  Yields:
    A batch of host arrays, and how many of its rows are real; the others have
    `present` False for every task.
  """
  selection = select(dataset, split, task_names)
  order = Sequential(selection.size)
  feed = streaming_feed(selection, order, batch_size=batch_size)
  for step in range(evaluation_steps(dataset, split, batch_size)):
    batch = feed.gather(feed.constant, feed.fetch(step))
    yield batch, min(batch_size, selection.size - step * batch_size)
