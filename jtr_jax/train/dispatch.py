"""Compiled programs for one or several steps on all devices."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from jtr_jax.core import errors
from jtr_jax.data.loading.feed import Feed
from jtr_jax.train.state import TrainState
from jtr_jax.train.step import StepMetrics, TrainStep

Dispatch: TypeAlias = Callable[
  [TrainState, Any, Any], tuple[TrainState, StepMetrics]
]


def make_mesh(
  batch_size: int,
  devices: Sequence[jax.Device] | None = None,
  *,
  height: int = 1,
) -> Mesh:
  """Return devices in a row, along the axis "data", or in a table.

  Args:
    batch_size: images of a batch, to be divided among the devices.
    devices: all devices, of all processes, if None.
    height: devices that share the rows of an image, along an axis "height".

  Raises:
    ValueError: if they cannot be divided.
  """
  count = jax.device_count() if devices is None else len(devices)
  if count % height or batch_size % (count // height):
    raise ValueError(
      errors.message(
        "The batch cannot be divided among the devices",
        found=f"{batch_size} images and {count} devices"
        + (f", {height} for an image" if height > 1 else ""),
        expected="a multiple of the number of devices"
        + (" divided by those for an image" if height > 1 else ""),
        do="Change train.batch_size (data.sources add theirs) or train.height, "
        "or hide devices from JAX.",
      )
    )
  axes = {"data": count // height}
  if height > 1:
    axes["height"] = height
  return jax.make_mesh(
    tuple(axes.values()),
    tuple(axes),
    axis_types=(AxisType.Auto,) * len(axes),
    devices=devices,
  )


def whole_shares(batch_size: int, mesh: Mesh) -> int:
  """Return the smallest batch, no smaller than this, that devices can share."""
  shares = mesh.shape["data"]
  return -(-batch_size // shares) * shares


def replicated(mesh: Mesh) -> NamedSharding:
  """Return the sharding of what every device holds whole."""
  return NamedSharding(mesh, PartitionSpec())


def over_batch(mesh: Mesh) -> NamedSharding:
  """Return the sharding of arrays whose second axis is the batch."""
  return NamedSharding(mesh, PartitionSpec(None, "data"))


def over_rows(mesh: Mesh) -> NamedSharding:
  """Return the sharding of arrays whose first axis is the batch."""
  return NamedSharding(mesh, PartitionSpec("data"))


def make_dispatch(step: TrainStep, feed: Feed, mesh: Mesh) -> Dispatch:
  """Return the jitted (state, constant, fetched) -> (state, metrics).

  The state is donated. As many steps as were fetched, the leading axis of
  fetched and metrics, run in one `lax.scan`, which hides the host on
  accelerators.

  Args:
    step: one update.
    feed: turns what was fetched into examples.
    mesh: the devices.
  """

  def one(
    state: TrainState, constant: Any, fetched: Any
  ) -> tuple[TrainState, StepMetrics]:
    return step(state, feed.gather(constant, fetched))

  def run(
    state: TrainState, constant: Any, fetched: Any
  ) -> tuple[TrainState, StepMetrics]:
    if len(jax.tree.leaves(fetched)[0]) > 1:
      return jax.lax.scan(lambda s, f: one(s, constant, f), state, fetched)
    only = jax.tree.map(lambda x: x[0], fetched)
    state, metrics = one(state, constant, only)
    return state, jax.tree.map(lambda x: x[None], metrics)

  everywhere, batch = replicated(mesh), over_batch(mesh)
  return jax.jit(
    run,
    donate_argnums=0,
    in_shardings=(everywhere, everywhere, batch),
    out_shardings=(everywhere, everywhere),
  )


def fetch_steps(feed: Feed, first: int, steps: int) -> Any:
  """Return what `steps` consecutive steps need, stacked on a new first axis."""
  fetched = [feed.fetch(first + index) for index in range(steps)]
  stacked = jax.tree.map(lambda *arrays: np.stack(arrays), *fetched)
  return _of_all_processes(stacked, feed, PartitionSpec(None, "data"))


def fetch_batch(feed: Feed, step: int) -> Any:
  """Return what one step needs."""
  return _of_all_processes(feed.fetch(step), feed, PartitionSpec("data"))


def _of_all_processes(fetched: Any, feed: Feed, spec: PartitionSpec) -> Any:
  """Return arrays of all processes; of a single one those on the host."""
  if feed.rows is None or feed.rows.is_fully_addressable:
    return fetched
  sharding = NamedSharding(feed.rows.mesh, spec)
  return jax.tree.map(
    lambda x: jax.make_array_from_process_local_data(sharding, x), fetched
  )
