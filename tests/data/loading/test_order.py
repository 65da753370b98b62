import numpy as np
import pytest

from jtr_jax.data.loading import order
from jtr_jax.data.loading.order import Mixed, Sequential, Shuffled, sample_order


@pytest.mark.parametrize("size", [1, 2, 11, 795])
def test_an_epoch_is_a_permutation(size):
  order = sample_order(3, 5, size)
  assert order.dtype == np.int32
  np.testing.assert_array_equal(np.sort(order), np.arange(size))


def test_epochs_and_seeds_differ():
  orders = {tuple(sample_order(s, e, 50)) for s in range(3) for e in range(3)}
  assert len(orders) == 9


def test_the_order_is_what_it_has_always_been():
  assert sample_order(0, 0, 8).tolist() == RECORDED[0]
  assert sample_order(1, 2, 8).tolist() == RECORDED[1]


RECORDED = [[0, 3, 7, 5, 1, 2, 6, 4], [7, 1, 3, 0, 4, 2, 6, 5]]


@pytest.mark.parametrize("batch_size", [1, 3, 4, 11, 25])
def test_every_sample_comes_once_an_epoch(batch_size):
  order = Shuffled(seed=7, size=11)
  steps = [order.rows(s * batch_size, batch_size) for s in range(44)]
  sample = np.concatenate([rows.sample for rows in steps])
  epoch = np.concatenate([rows.epoch for rows in steps])
  whole = len(sample) // 11
  for e in range(whole):
    np.testing.assert_array_equal(
      sample[11 * e : 11 * (e + 1)], sample_order(7, e, 11)
    )
    assert (epoch[11 * e : 11 * (e + 1)] == e).all()
  assert all(rows.real.all() for rows in steps)


def test_a_step_needs_no_earlier_step():
  order = Shuffled(seed=7, size=11)
  late = order.rows(10**9 * 4, 4)
  assert late.epoch[0] == 4 * 10**9 // 11
  assert set(late.sample) < set(range(11))


def test_sequential_fills_up_the_last_batch():
  rows = Sequential(size=5).rows(3, 4)
  assert rows.sample.tolist() == [3, 4, 4, 4]
  assert rows.real.tolist() == [True, True, False, False]


def test_every_batch_holds_a_fixed_number_of_each_source():
  order = Mixed(seed=3, sizes=(5, 4, 7), per_batch=(3, 1, 2))
  batches = [order.rows(6 * step, 6) for step in range(40)]
  for rows in batches:
    assert (rows.sample[:3] < 5).all()
    assert 5 <= rows.sample[3] < 9
    assert (rows.sample[4:] >= 9).all()
    assert rows.real.all()
  assert Mixed(3, (5,), (3,)).rows(0, 30)[0].tolist() == (
    Shuffled(3, 5).rows(0, 30).sample.tolist()
  )


def test_every_source_goes_through_epochs_of_its_own():
  sizes, per_batch = (5, 4), (3, 1)
  order = Mixed(seed=3, sizes=sizes, per_batch=per_batch)
  rows = order.rows(0, 4 * 20)
  first = 0
  for size in sizes:
    here = (rows.sample >= first) & (rows.sample < first + size)
    sample, epoch = rows.sample[here] - first, rows.epoch[here]
    for e in range(len(sample) // size):
      seen = sample[epoch == e]
      np.testing.assert_array_equal(np.sort(seen), np.arange(size))
    first += size


def test_sources_of_one_size_have_orders_of_their_own():
  rows = Mixed(seed=3, sizes=(50, 50), per_batch=(1, 1)).rows(0, 100)
  assert (rows.sample[::2] != rows.sample[1::2] - 50).any()


def test_any_part_of_a_mixture_can_be_asked_for():
  order = Mixed(seed=3, sizes=(5, 4), per_batch=(3, 1))
  whole = order.rows(0, 40)
  for start in range(40):
    part = order.rows(start, 1)
    assert part.sample[0] == whole.sample[start]
    assert part.epoch[0] == whole.epoch[start]
  far = order.rows(4 * 10**9, 4)
  assert far.epoch.tolist() == [6 * 10**8] * 3 + [25 * 10**7]


def test_two_epochs_of_a_source_are_kept():
  for epoch in range(5):
    sample_order(9, epoch, 6)
  assert list(order._recent(9, 6, 0)) == [3, 4]
  assert sample_order(9, 4, 6) is sample_order(9, 4, 6)
