"""The feeds of a run, for training and for evaluation.

A step's batch is a function of (seed, step), so a run resumes anywhere at no
cost. Whatever the placement, the same steps give the same `Examples`.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from jtr_jax.data.loading import feed
from jtr_jax.data.loading.examples import Examples
from jtr_jax.data.loading.feed import WHERE_IT_FITS, Delivery, Feed
from jtr_jax.data.loading.order import Mixed, Sequential
from jtr_jax.data.loading.selection import (
  Selection,
  check_every_task_labelled,
  select,
)
from jtr_jax.data.records.prepared import Dataset

_EXTRA_SEED = 1 << 31  # far from the seeds of runs


def make_feed(
  dataset: Dataset,
  split: str,
  task_names: Sequence[str],
  labelled: np.ndarray | None = None,
  *,
  batch_size: int,
  seed: int,
  scenario: str = "as found",
  delivery: Delivery = WHERE_IT_FITS,
  extra: bool = False,
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
    delivery: how batches come to the device.
    extra: whether each step gets a second batch of the same images, in an order
      of its own.

  Returns:
    The feed; no batch is dropped or padded, some straddle two epochs.

  Raises:
    ValueError: a task without any training label, or a broken record.
  """
  return mixed_feed(
    select(dataset, split, task_names, labelled),
    (batch_size,),
    seed=seed,
    scenario=scenario,
    delivery=delivery,
    extra=extra,
  )


def mixed_feed(
  selection: Selection,
  per_batch: tuple[int, ...],
  *,
  seed: int,
  scenario: str = "as found",
  delivery: Delivery = WHERE_IT_FITS,
  extra: bool = False,
) -> Feed:
  """Return the training feed of several sources, mixed in every batch.

  Args:
    selection: its parts are the sources.
    per_batch: images of each source in a batch; they stand in this order.
    seed: decides the order of each source, a new one in each of its epochs.
    scenario: how labels were hidden, for an error message.
    delivery: how batches come to the device.
    extra: whether each step gets a second batch, see `make_feed`.

  Returns:
    The feed; a sample's number counts on from source to source.

  Raises:
    ValueError: a task without any training label, or a broken record.
  """
  check_every_task_labelled(selection, scenario)
  order = lambda seed: Mixed(seed, selection.sizes, per_batch)
  return feed.make_feed(
    selection,
    order(seed),
    batch_size=sum(per_batch),
    delivery=delivery,
    extra=order(seed + _EXTRA_SEED) if extra else None,
  )


def evaluation_feed(
  selection: Selection,
  *,
  batch_size: int,
  delivery: Delivery = WHERE_IT_FITS,
) -> Feed:
  """Return a feed whose first `evaluation_steps` steps visit all images once.

  Rows that fill up the last batch have `present` False for every task.

  Args:
    selection: the images.
    batch_size: images in a batch.
    delivery: how batches come to the device.

  Returns:
    The feed.
  """
  return feed.make_feed(
    selection,
    Sequential(selection.size),
    batch_size=batch_size,
    delivery=delivery,
  )


def evaluation_steps(selection: Selection, batch_size: int) -> int:
  """Return the number of batches that hold every image."""
  return math.ceil(selection.size / batch_size)


def evaluation_batches(
  selection: Selection, batch_size: int
) -> Iterator[tuple[Examples, int]]:
  """Yield every image once, in batches of one size, read from disk.

  Args:
    selection: the images.
    batch_size: images in a batch.

  Yields:
    A batch of host arrays, and how many of its rows are real; the others have
    `present` False for every task.
  """
  streamed = evaluation_feed(
    selection, batch_size=batch_size, delivery=Delivery("stream")
  )
  for step in range(evaluation_steps(selection, batch_size)):
    batch = streamed.gather(streamed.constant, streamed.fetch(step))
    yield batch, min(batch_size, selection.size - step * batch_size)
