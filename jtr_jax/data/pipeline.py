"""The feeds of a run: what it trains on, and what it is evaluated on.

A step's batch is a function of (seed, step), so a run resumes anywhere at no
cost. Whatever the placement, the same steps give the same `Examples`.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from jtr_jax.data import feed
from jtr_jax.data.examples import Examples
from jtr_jax.data.feed import WHERE_IT_FITS, Delivery, Feed
from jtr_jax.data.order import Among, Sequential, Shuffled
from jtr_jax.data.records import Dataset
from jtr_jax.data.selection import check_every_task_labelled, select

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
  selection = select(dataset, split, task_names, labelled)
  check_every_task_labelled(selection, scenario)
  return feed.make_feed(
    selection,
    Shuffled(seed, selection.size),
    batch_size=batch_size,
    delivery=delivery,
    extra=Shuffled(seed + _EXTRA_SEED, selection.size) if extra else None,
  )


def evaluation_feed(
  dataset: Dataset,
  split: str,
  task_names: Sequence[str],
  *,
  batch_size: int,
  delivery: Delivery = WHERE_IT_FITS,
) -> Feed:
  """Return a feed whose first `evaluation_steps` steps go once over a split.

  Rows that fill up the last batch have `present` False for every task.

  Args:
    dataset: a prepared data set.
    split: its split.
    task_names: the tasks.
    batch_size: images in a batch.
    delivery: how batches come to the device.

  Returns:
    The feed.
  """
  selection = select(dataset, split, task_names)
  return feed.make_feed(
    selection,
    Sequential(selection.size),
    batch_size=batch_size,
    delivery=delivery,
  )


def labelled_feed(
  dataset: Dataset,
  split: str,
  task_names: Sequence[str],
  labelled: np.ndarray,
  *,
  batch_size: int,
  delivery: Delivery = WHERE_IT_FITS,
) -> tuple[Feed, int]:
  """Return a feed of the images with a visible label, once, and its steps.

  Args:
    dataset: a prepared data set.
    split: its split.
    task_names: the tasks.
    labelled: bool[N, K], False where a label is to be hidden.
    batch_size: images in a batch.
    delivery: how batches come to the device.
  """
  selection = select(dataset, split, task_names, labelled)
  images = np.flatnonzero(selection.present.any(axis=1))
  found = feed.make_feed(
    selection,
    Among(Sequential(len(images)), images),
    batch_size=batch_size,
    delivery=delivery,
  )
  return found, math.ceil(len(images) / batch_size)


def evaluation_steps(dataset: Dataset, split: str, batch_size: int) -> int:
  """Return the number of batches that hold every image of a split."""
  return math.ceil(dataset.manifest.split(split).size / batch_size)


def evaluation_batches(
  dataset: Dataset,
  split: str,
  task_names: Sequence[str],
  batch_size: int,
  labelled: np.ndarray | None = None,
) -> Iterator[tuple[Examples, int]]:
  """Yield a split once, in batches of one size, read from disk.

  Args:
    dataset: a prepared data set.
    split: its split.
    task_names: the tasks.
    batch_size: images in a batch.
    labelled: bool[N, K], False where a label is to be hidden.

  Yields:
    A batch of host arrays, and how many of its rows are real; the others have
    `present` False for every task.
  """
  selection = select(dataset, split, task_names, labelled)
  order = Sequential(selection.size)
  streamed = feed.make_feed(
    selection, order, batch_size=batch_size, delivery=Delivery("stream")
  )
  for step in range(evaluation_steps(dataset, split, batch_size)):
    batch = streamed.gather(streamed.constant, streamed.fetch(step))
    yield batch, min(batch_size, selection.size - step * batch_size)
