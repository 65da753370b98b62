"""Recordings of kind "metrics": predictions, labels and their metrics.

The recording framework keeps channels first. Its void class id is -1, its
invalid depth 0 and its invalid normal the zero vector; fractions of angles are
in percent, all others in [0, 1].
"""

from collections.abc import Iterator, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors
from jtr_jax.core.types import Label, Labels, Predictions
from jtr_jax.metrics import accumulate
from jtr_jax.tasks import normals
from jtr_jax.tasks.base import Task
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.segmentation import Segmentation
from jtr_jax.verify.comparison import (
  Quantity,
  RecordError,
  Recording,
  numeric_tolerance,
)

_PREFIX = "metric/"
_MEDIAN = "normal_median"
_SAME: Mapping[str, str] = {
  "miou": "segmentation/miou",
  "miou_over_present_classes": "segmentation/miou",
  "pixel_accuracy": "segmentation/pixel_accuracy",
  "depth_l1": "depth/abs_err",
  "depth_rmse": "depth/rmse",
  "depth_log_rmse": "depth/log_rmse",
  "depth_abs_rel": "depth/abs_rel",
  "depth_delta1": "depth/delta1",
  "depth_delta2": "depth/delta2",
  "depth_delta3": "depth/delta3",
  "normal_mean": "normals/mean_deg",
  "normal_rmse": "normals/rmse_deg",
}
_PERCENT: Mapping[str, str] = {
  "normal_11.25": "normals/within_11.25",
  "normal_22.5": "normals/within_22.5",
  "normal_30": "normals/within_30",
}


def recompute(recording: Recording) -> Iterator[Quantity]:
  """Yield every recorded metric, from sums added up image by image.

  The median of an even number of angles may be recorded as either middle angle
  or as anything between them.

  Args:
    recording: arrays as described in the golden files' layout. A recorded mIoU
      of NaN (a class that occurs nowhere) is not compared.

  Returns:
    The quantities, one at a time.

  Raises:
    RecordError: an array is missing or a metric unknown.
  """
  _check_names(recording)
  tasks = _tasks(recording)
  totals = _totals(tasks, recording)
  values = accumulate.values(tasks, totals)
  yield Quantity(
    "confusion",
    recording["confusion"],
    totals["segmentation"]["confusion"],
    tolerance=0,
  )
  for scale, table in ((1, _SAME), (100, _PERCENT)):
    for name, metric in table.items():
      yield Quantity(
        _PREFIX + name,
        recording[_PREFIX + name],
        np.array(scale * values[metric]),
        numeric_tolerance(),
      )
  yield _median(recording, totals["normals"]["histogram"])


def _median(recording: Recording, histogram: np.ndarray) -> Quantity:
  expected = recording[_PREFIX + _MEDIAN]
  actual = np.clip(expected, *normals.median_interval(histogram))
  tolerance = numeric_tolerance()
  floor = normals.MEDIAN_RESOLUTION / tolerance
  return Quantity(_PREFIX + _MEDIAN, expected, actual, tolerance, floor)


def _check_names(recording: Recording) -> None:
  known = {_MEDIAN, *_SAME, *_PERCENT}
  recorded = {
    n.removeprefix(_PREFIX) for n in recording if n.startswith(_PREFIX)
  }
  for name in sorted(recorded - known):
    raise RecordError(str(errors.unknown_name("recorded metric", name, known)))


def _tasks(recording: Recording) -> tuple[Task, ...]:
  num_classes = recording["seg_logits"].shape[1]
  return (
    Segmentation("segmentation", num_classes),
    Depth("depth"),
    normals.Normals("normals"),
  )


def _totals(
  tasks: tuple[Task, ...], recording: Recording
) -> accumulate.SplitTotals:
  predictions, labels = _predictions(recording), _labels(recording)
  sums = jax.jit(
    lambda guesses, truths: {
      task.name: task.metric_sums(guesses[task.name], truths[task.name])
      for task in tasks
    }
  )
  totals: accumulate.SplitTotals = {}
  for i in range(len(recording["seg"])):
    image = slice(i, i + 1)
    batch = jax.tree.map(lambda x, s=image: x[s], (predictions, labels))
    totals = accumulate.add(totals, sums(*batch))
  return totals


def _predictions(recording: Recording) -> Predictions:
  return {
    "segmentation": _channels_last(recording["seg_logits"]),
    "depth": _channels_last(recording["depth_pred"]),
    "normals": _channels_last(recording["normal_pred"]),
  }


def _labels(recording: Recording) -> Labels:
  ids = jnp.asarray(recording["seg"], jnp.int32)
  depth = _channels_last(recording["depth"])
  normal = _channels_last(recording["normal"])
  present = jnp.ones(len(ids), bool)
  return {
    "segmentation": Label(ids, ids >= 0, present),
    "depth": Label(depth, depth[..., 0] != 0, present),
    "normals": Label(normal, jnp.any(normal != 0, axis=-1), present),
  }


def _channels_last(x: np.ndarray) -> jax.Array:
  return jnp.moveaxis(jnp.asarray(x), 1, -1)
