"""Batches read from disk ahead of time, by threads or worker processes."""

import sys
import weakref
from typing import Any, NamedTuple

import grain
import numpy as np
from absl import flags

from jtr_jax.data.loading.order import Order
from jtr_jax.data.loading.selection import Selection


class Reading(NamedTuple):
  """How a stream reads; it changes nothing but the speed.

  Attributes:
    threads: threads that read, in each process.
    workers: processes that read; 0 reads in this one. A script that asks for
      some needs `if __name__ == "__main__":`.
    ahead: batches that may wait.
  """

  threads: int = 4
  workers: int = 0
  ahead: int = 8


class Samples:
  """The samples from some step on, for grain: it has indices only."""

  def __init__(
    self,
    selection: Selection,
    order: Order,
    step: int,
    batch_size: int,
    own: np.ndarray,
  ) -> None:
    self._selection = selection
    self._source = selection.source()
    self._known = selection.known
    self._order = order
    self._step = step
    self._batch_size = batch_size
    self._own = own

  def __len__(self) -> int:
    return sys.maxsize  # epochs without end

  def __getitem__(self, index: int) -> dict[str, Any]:
    further, row = divmod(index, len(self._own))
    start = (self._step + further) * self._batch_size
    sample, epoch, real = self._order.rows(start + int(self._own[row]), 1)
    image, stored = self._source[int(sample[0])]
    present = self._selection.present[sample[0]] & real[0]
    return {
      "image": image,
      "stored": stored,
      "present": dict(zip(self._selection.tasks, present, strict=True)),
      "sample": sample[0],
      "epoch": epoch[0],
      "known": {n: known[sample[0]] for n, known in self._known.items()},
    }


class Stream:
  """Gives the batch of a step; consecutive steps are read ahead."""

  def __init__(
    self,
    selection: Selection,
    order: Order,
    batch_size: int,
    reading: Reading,
    own: np.ndarray,
  ) -> None:
    """Prepare to read.

    Args:
      selection: the images and labels.
      order: which of them stands where.
      batch_size: images of a batch.
      reading: how to read.
      own: i64[N], the rows of each batch that are wanted here.
    """
    self._selection = selection
    self._order = order
    self._batch_size = batch_size
    self._reading = reading
    self._own = own
    self._next_step = -1
    self._open: list[grain.DatasetIterator[dict[str, Any]]] = []
    # Also at exit: grain's own clean-up comes too late, and is noisy.
    weakref.finalize(self, _close_all, self._open)

  def __call__(self, step: int) -> dict[str, Any]:
    """Return the wanted rows of one step, on the host."""
    if step != self._next_step:
      _close_all(self._open)
      self._open.append(self._from(step))
    self._next_step = step + 1
    return next(self._open[0])

  def _from(self, step: int) -> grain.DatasetIterator[dict[str, Any]]:
    if not flags.FLAGS.is_parsed():  # grain reads flags, even outside an app
      flags.FLAGS.mark_as_parsed()
    samples = Samples(
      self._selection, self._order, step, self._batch_size, self._own
    )
    threads, workers, ahead = self._reading
    batches = (
      grain.MapDataset.source(samples)
      .batch(len(self._own), drop_remainder=True)
      .to_iter_dataset(
        grain.ReadOptions(num_threads=threads, prefetch_buffer_size=ahead)
      )
    )
    if workers:
      options = grain.MultiprocessingOptions(num_workers=workers)
      batches = batches.mp_prefetch(options)
    return batches.__iter__()


def _close_all(iterators: list[grain.DatasetIterator[Any]]) -> None:
  while iterators:
    iterators.pop().close()
