"""Which sample stands where: a function of (seed, epoch) and nothing else."""

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
    """Return what stands at positions start .. start + count - 1."""


@functools.lru_cache(maxsize=8)
def sample_order(seed: int, epoch: int, size: int) -> np.ndarray:
  """Return the order of the samples in one epoch.

  The samples are sorted by 64 random bits each. These are Philox's raw stream,
  which numpy promises never to change; its `permutation` may.

  Args:
    seed: seed of the run.
    epoch: counted from 0.
    size: number of samples.

  Returns:
    i32[size], a permutation of 0 .. size - 1, read-only.
  """
  bits = np.random.Philox(np.random.SeedSequence([seed, epoch]))
  order = np.argsort(bits.random_raw(size), kind="stable").astype(np.int32)
  order.setflags(write=False)
  return order


@dataclasses.dataclass(frozen=True)
class Shuffled:
  """All epochs, each in its own order, one after the other without a gap.

  Attributes:
    seed: seed of the run.
    size: samples of an epoch.
  """

  seed: int
  size: int

  def rows(self, start: int, count: int) -> Rows:
    """Return the rows at these positions; a batch may straddle epochs."""
    epoch, place = np.divmod(np.arange(start, start + count), self.size)
    sample = np.empty(count, np.int32)
    for e in np.unique(epoch):
      order = sample_order(self.seed, int(e), self.size)
      sample[epoch == e] = order[place[epoch == e]]
    return Rows(sample, epoch.astype(np.int32), np.ones(count, bool))


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


@dataclasses.dataclass(frozen=True, eq=False)
class Among:
  """An order of some of the samples.

  Attributes:
    order: of numbers from 0 to the number of these samples.
    samples: i32[...], which they are.
  """

  order: Order
  samples: np.ndarray

  def rows(self, start: int, count: int) -> Rows:
    """Return the rows at these positions."""
    rows = self.order.rows(start, count)
    return rows._replace(sample=self.samples[rows.sample].astype(np.int32))


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
