import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.train import schedules
from jtr_jax.train.schedules import Span

LONG = (39750, 59625)  # 200 and 300 epochs of NYUv2


def rates(schedule, counts):
  return np.asarray(jax.jit(jax.vmap(schedule))(jnp.asarray(counts)))


@pytest.mark.parametrize("steps", [*range(1, 200, 7), 122, 123, *LONG])
def test_falls_exactly_after_every_so_many_counts(steps):
  falls = np.arange(12)
  counts = np.stack([falls * steps, (falls + 1) * steps - 1])
  found = rates(schedules.staircase(1e-4, 0.5, steps), counts.ravel())
  expected = np.float32(1e-4 * 0.5**falls)
  np.testing.assert_array_equal(found, np.tile(expected, 2))


SHAPES = {
  "constant": (schedules.constant, {}),
  "step": (schedules.step, {"factor": 0.1, "every": 40}),
  "cosine": (schedules.cosine, {}),
  "poly": (schedules.poly, {}),
}


@pytest.mark.parametrize("name", SHAPES)
def test_warm_up_rises_linearly_to_the_rate(name):
  build, options = SHAPES[name]
  found = rates(build(2.0, Span(100, 10), **options), range(12))
  np.testing.assert_allclose(found[:10], np.arange(1, 11) / 5, rtol=1e-6)
  assert found[10] == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize("warm_up", [0, 10])
@pytest.mark.parametrize(
  ("name", "half", "end"),
  [("constant", 1, 1), ("cosine", 0.5, 0), ("poly", 0.5**0.9, 0)],
)
def test_where_a_schedule_is_halfway_and_at_the_end(name, half, end, warm_up):
  build, options = SHAPES[name]
  schedule = build(3.0, Span(100 + warm_up, warm_up), **options)
  counts = [warm_up + 50, warm_up + 100, warm_up + 500]
  found = rates(schedule, counts)
  np.testing.assert_allclose(found, [3 * half, 3 * end, 3 * end], atol=1e-6)


@pytest.mark.parametrize("build", [schedules.cosine, schedules.poly])
def test_a_share_of_the_rate_may_be_left(build):
  found = rates(build(2.0, Span(50), final=0.25), [0, 50])
  np.testing.assert_allclose(found, [2.0, 0.5], rtol=1e-6)


def test_steps_are_counted_from_the_start_of_the_run():
  schedule = schedules.step(1.0, Span(100, 10), factor=0.1, every=40)
  found = rates(schedule, [39, 40, 80])
  np.testing.assert_allclose(found, [1, 0.1, 0.01], rtol=1e-6)


def test_one_cycle_has_its_top_where_the_rise_ends():
  found = rates(schedules.one_cycle(1.0, Span(100), rise=0.2), range(100))
  assert found.argmax() == 19
  assert found[19] == pytest.approx(1)
  assert found[0] == pytest.approx(1 / 25)
  assert found[-1] == pytest.approx(1 / 250000, rel=1e-2)
  assert np.all(np.diff(found[:20]) > 0)
  assert np.all(np.diff(found[19:]) < 0)


@pytest.mark.parametrize("total", [1, 2, 3])
def test_runs_of_a_few_updates_have_finite_rates(total):
  for build, options in (*SHAPES.values(), (schedules.one_cycle, {})):
    found = rates(build(1.0, Span(total), **options), range(total + 1))
    assert np.all(np.isfinite(found))
    assert np.all(found >= 0)
