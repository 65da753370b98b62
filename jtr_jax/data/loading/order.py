"""The order of samples: a function of (seed, epoch) alone."""

import dataclasses
import functools
from typing import NamedTuple, Protocol

import numpy as np


class Rows(NamedTuple):
  """What the rows of a batch are.

  Attributes:
    sample: i32[B], position of the image in its split.
    epoch: i32[B], how often the sample has been seen before.
    real: bool[B], False for a row that only fills up a batch.
  """

  sample: np.ndarray
  epoch: np.ndarray
  real: np.ndarray


class Order(Protocol):
  """An endless sequence of samples with access to any part of it."""

  def rows(self, start: int, count: int) -> Rows:
    """Return the samples at positions start .. start + count - 1."""


_KEPT = 2  # epochs of a source: a batch may straddle two


def sample_order(
  seed: int, epoch: int, size: int, source: int = 0
) -> np.ndarray:
  """Return the order of the samples in one epoch.

  The samples are sorted by 64 random bits each. These are Philox's raw stream,
  which numpy promises never to change; its `permutation` may.

  Args:
    seed: seed of the run.
    epoch: counted from 0.
    size: number of samples.
    source: number of the source, each with an order of its own.

  Returns:
    i32[size], a permutation of 0 .. size - 1, read-only.
  """
  recent = _recent(seed, size, source)
  found = recent.get(epoch)
  if found is None:
    found = recent[epoch] = _draw_order(seed, epoch, size, source)
    for old in list(recent)[:-_KEPT]:  # threads read at the same time
      recent.pop(old, None)
  return found


@functools.lru_cache(maxsize=32)
def _recent(seed: int, size: int, source: int) -> dict[int, np.ndarray]:
  """Return the orders of the last epochs that were asked for, to be changed."""
  del seed, size, source
  return {}


def _draw_order(seed: int, epoch: int, size: int, source: int) -> np.ndarray:
  """Return the order of an epoch, see `sample_order`."""
  entropy = [seed, epoch, source] if source else [seed, epoch]
  bits = np.random.Philox(np.random.SeedSequence(entropy))
  order = np.argsort(bits.random_raw(size), kind="stable").astype(np.int32)
  order.setflags(write=False)
  return order


@dataclasses.dataclass(frozen=True)
class Shuffled:
  """All epochs, each in its own order, one after the other without a gap.

  Attributes:
    seed: seed of the run.
    size: samples of an epoch.
    source: number of the source among those that are mixed.
  """

  seed: int
  size: int
  source: int = 0

  def rows(self, start: int, count: int) -> Rows:
    """Return the rows at these positions; a batch may straddle epochs."""
    return self.rows_at(np.arange(start, start + count))

  def rows_at(self, positions: np.ndarray) -> Rows:
    """Return the rows at any positions i64[N]."""
    epoch, place = np.divmod(positions, self.size)
    sample = np.empty(len(positions), np.int32)
    for e in np.unique(epoch):
      order = sample_order(self.seed, int(e), self.size, self.source)
      sample[epoch == e] = order[place[epoch == e]]
    return Rows(
      sample, epoch.astype(np.int32), np.ones(len(positions), np.bool_)
    )


@dataclasses.dataclass(frozen=True)
class Mixed:
  """Several sources side by side: in every batch a fixed number of each.

  Every source goes through epochs of its own, whatever the others do. Its
  samples are counted on after those of the sources before it.

  Attributes:
    seed: seed of the run.
    sizes: samples of each source.
    per_batch: how many of each are in a batch.
  """

  seed: int
  sizes: tuple[int, ...]
  per_batch: tuple[int, ...]

  def rows(self, start: int, count: int) -> Rows:
    """Return the rows at these positions; batches begin at multiples of B."""
    batch, slot = np.divmod(
      np.arange(start, start + count), sum(self.per_batch)
    )
    found = Rows(
      np.empty(count, np.int32), np.empty(count, np.int32), np.ones(count, bool)
    )
    first_slot = first_sample = 0
    for number, (size, share) in enumerate(
      zip(self.sizes, self.per_batch, strict=True)
    ):
      here = (first_slot <= slot) & (slot < first_slot + share)
      positions = batch[here] * share + slot[here] - first_slot
      rows = Shuffled(self.seed, size, number).rows_at(positions)
      found.sample[here] = first_sample + rows.sample
      found.epoch[here] = rows.epoch
      first_slot, first_sample = first_slot + share, first_sample + size
    return found


@dataclasses.dataclass(frozen=True)
class Sequential:
  """Every sample once, in the order of its split, then the last one as filler.

  Attributes:
    size: number of samples.
  """

  size: int

  def rows(self, start: int, count: int) -> Rows:
    """Return the rows at these positions."""
    position = np.arange(start, start + count)
    sample = np.minimum(position, self.size - 1).astype(np.int32)
    return Rows(sample, np.zeros(count, np.int32), position < self.size)


def draw_some(seed: int, size: int, share: float) -> np.ndarray:
  """Return which samples are in a random part of a split.

  Args:
    seed: decides the part.
    size: samples of the split.
    share: of them in the part; at least one is in it and one outside.

  Returns:
    bool[size].
  """
  count = min(max(1, round(share * size)), size - 1)
  chosen = np.zeros(size, bool)
  chosen[sample_order(seed, -1 % 2**32, size)[:count]] = True
  return chosen
