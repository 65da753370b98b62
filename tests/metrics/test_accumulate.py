import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.metrics import accumulate
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.segmentation import Segmentation


def batch(count, total):
  return {"depth": {"count": jnp.int32(count), "abs": jnp.float32(total)}}


def test_counts_and_sums_outgrow_32_bits():
  totals = {}
  for _ in range(3):
    totals = accumulate.add(totals, batch(2**31 - 1, 2**24))
  totals = accumulate.add(totals, batch(1, 1))
  assert totals["depth"]["count"] == 3 * (2**31 - 1) + 1
  assert totals["depth"]["abs"] == 3 * 2**24 + 1
  assert totals["depth"]["count"].dtype == np.int64
  assert totals["depth"]["abs"].dtype == np.float64


def test_totals_of_parts_can_be_added():
  first = accumulate.add({}, batch(1, 0.5))
  second = accumulate.add({}, batch(2, 0.25))
  both = accumulate.add(first, second)
  assert both["depth"] == {"count": 3, "abs": 0.75}
  assert first["depth"]["count"] == 1


def test_images_are_added_beyond_32_bits():
  images = {
    "depth": {
      "count": jnp.full(3, 2**31 - 1, jnp.int32),
      "abs": jnp.asarray([2**24, 1, 0.5], jnp.float32),
      "confusion": jnp.ones((3, 2, 2), jnp.int32),
    }
  }
  totals = accumulate.add_images({}, images)
  assert totals["depth"]["count"] == 3 * (2**31 - 1)
  assert totals["depth"]["abs"] == 2**24 + 1.5
  assert totals["depth"]["confusion"].tolist() == [[3, 3], [3, 3]]
  twice = accumulate.add_images(totals, images)
  assert twice["depth"]["count"] == 6 * (2**31 - 1)


def test_values_are_named_by_task_and_metric():
  tasks = (Segmentation("segmentation", 2), Depth("depth"))
  confusion = jnp.array([[3, 1], [0, 0]], jnp.int32)
  counts = dict.fromkeys(("count", "positive"), jnp.int32(4))
  sums = dict.fromkeys(("abs", "square", "rel", "log_square"), jnp.float32(1))
  deltas = dict.fromkeys(("delta1", "delta2", "delta3"), jnp.int32(2))
  totals = accumulate.add(
    {},
    {
      "segmentation": {"confusion": confusion},
      "depth": {**counts, **sums, **deltas},
    },
  )
  values = accumulate.values(tasks, totals)
  assert values["segmentation/miou"] == 0.375
  assert values["depth/abs_err"] == 0.25
  assert values["depth/rmse"] == 0.5
  assert len(values) == 2 + 7


def test_sums_of_another_shape_are_refused():
  image = {"depth": {"count": jnp.int32(4), "abs": jnp.float32(1)}}
  images = {"depth": {"count": jnp.ones(3, jnp.int32), "abs": jnp.ones(3)}}
  with pytest.raises(AssertionError):
    accumulate.add(accumulate.add({}, image), images)
  images["depth"]["abs"] = jnp.ones(1)
  with pytest.raises(AssertionError):
    accumulate.add_images({}, images)
