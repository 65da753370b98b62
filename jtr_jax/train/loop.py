"""The training run: dispatch, log, evaluate, save, stop.

The host only dispatches. Numbers are read back when a row is due, and every
file a run leaves is a function of the config: killed and resumed, a run ends
with the same bytes.
"""

import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import jax
import optax
from jax.sharding import Mesh

from jtr_jax.data.augment.views import AugmentSettings
from jtr_jax.data.loading.feed import Feed
from jtr_jax.methods.base import Method
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.train.dispatch import (
  Dispatch,
  fetch_steps,
  make_dispatch,
  replicated,
)
from jtr_jax.train.preemption import Preemption
from jtr_jax.train.progress import Progress
from jtr_jax.train.state import TrainState, abstract_state, init_state
from jtr_jax.train.step import make_train_step
from jtr_jax.train.step_metrics import Window
from jtr_jax.train.task_weighting import PLAIN, Balancing
from jtr_jax.workdir.checkpoints import Checkpoints
from jtr_jax.workdir.metric_files import MetricWriter

Evaluate: TypeAlias = Callable[[TrainState], dict[str, float]]
"""From a state to its "<task>/<metric>" values."""


UpdateBalancing: TypeAlias = Callable[
  [TrainState, dict[str, float]], tuple[TrainState, dict[str, float]]
]
"""(state, its metrics) -> (state with the balancers' updated from them, a row
for the log), after each evaluation."""


def no_update(
  state: TrainState, metrics: dict[str, float]
) -> tuple[TrainState, dict[str, float]]:
  """No-op: return the state and nothing to log."""
  del metrics
  return state, {}


class Schedule(NamedTuple):
  """When what happens, in steps; all of them divide evenly by `dispatch`.

  Attributes:
    total: steps of the whole run.
    log: between two rows of training losses.
    evaluate: between two evaluations; the last step has one in any case.
    save: between two checkpoints; every evaluated step has one in any case.
    dispatch: steps in one call of the device.
    steps_per_epoch: after which every image of the data was seen once.
  """

  total: int
  log: int
  evaluate: int
  save: int
  dispatch: int
  steps_per_epoch: Fraction


class Run(NamedTuple):
  """Everything a training run is made of.

  Attributes:
    net: the network.
    method: how losses are made.
    optimizer: how gradients become updates.
    augment: how views are drawn.
    feed: gives training batches.
    sample_ids: of the training split.
    size: (H, W) of the images.
    batch_size: images in a batch.
    seed: of initialisation, order and augmentation.
    mesh: devices.
    schedule: when what happens.
    evaluate: state -> "<task>/<metric>", with the gains over a baseline if
      there is one; draws pictures too.
    eval_split: name of the split that it evaluates.
    balancing: how losses and gradients are balanced.
    update_balancing: tells balancers the accuracies that they ask for.
  """

  net: MultiTaskNet
  method: Method
  optimizer: optax.GradientTransformation
  augment: AugmentSettings
  feed: Feed
  sample_ids: tuple[str, ...]
  size: tuple[int, int]
  batch_size: int
  seed: int
  mesh: Mesh
  schedule: Schedule
  evaluate: Evaluate
  eval_split: str
  balancing: Balancing = PLAIN
  update_balancing: UpdateBalancing = no_update


def train(run: Run, checkpoints: Checkpoints, workdir: Path) -> TrainState:
  """Train to the end, from the latest checkpoint if there is one.

  Args:
    run: what to train.
    checkpoints: of this workdir.
    workdir: where metrics go.

  Returns:
    The state after the last step, or after the step at which a signal asked the
    run to stop; everything is saved by then.

  Raises:
    NonFiniteError: a loss or gradient is NaN or infinite.
  """
  restored = None
  if checkpoints.steps:
    restored = checkpoints.restore_latest(
      abstract_state(
        run.net,
        run.method,
        run.optimizer,
        run.balancing,
        size=run.size,
        sharding=replicated(run.mesh),
      )
    )
  state = restored.state if restored else start_state(run)
  first = restored.step if restored else 0
  sums = restored.extra["window"] if restored else None
  with (
    Preemption() as preemption,
    MetricWriter(workdir, resume_step=first if restored else None) as writer,
    Progress(run.schedule.total, start=first) as progress,
  ):
    session = _Session(
      run, checkpoints, writer, progress, Window(run.sample_ids, sums)
    )
    if restored:
      progress.message(f"Going on from step {first} of {run.schedule.total}")
    for step in range(first, run.schedule.total, run.schedule.dispatch):
      state = session.advance(state, step)
      done = step + run.schedule.dispatch
      state = session.record(state, done)
      if preemption.should_stop(done) and done < run.schedule.total:
        session.stop(state, done)
        break
  checkpoints.wait()
  return state


def start_state(run: Run) -> TrainState:
  """Return the state before the first step, on all devices."""

  def initialize() -> TrainState:
    return init_state(
      run.net,
      run.method,
      run.optimizer,
      run.balancing,
      size=run.size,
      seed=run.seed,
    )

  return jax.jit(initialize, out_shardings=replicated(run.mesh))()


def run_dispatch(run: Run) -> Dispatch:
  """Return the compiled program that the run calls again and again."""
  step = make_train_step(
    run.net,
    run.method,
    run.optimizer,
    run.augment,
    run.balancing,
    seed=run.seed,
    mesh=run.mesh,
  )
  return make_dispatch(step, run.feed, run.mesh, steps=run.schedule.dispatch)


class _Session:
  """The running part of a run: what was dispatched but not yet written."""

  def __init__(
    self,
    run: Run,
    checkpoints: Checkpoints,
    writer: MetricWriter,
    progress: Progress,
    window: Window,
  ):
    self._run, self._schedule = run, run.schedule
    self._checkpoints, self._writer = checkpoints, writer
    self._progress, self._window = progress, window
    self._dispatch = run_dispatch(run)
    self._waited, self._since = 0.0, time.monotonic()
    self._losses: dict[str, float] = {}

  def advance(self, state: TrainState, step: int) -> TrainState:
    """Dispatch the steps after `step`."""
    before = time.monotonic()
    fetched = fetch_steps(self._run.feed, step, self._schedule.dispatch)
    self._waited += time.monotonic() - before
    state, metrics = self._dispatch(state, self._run.feed.constant, fetched)
    self._window.add(step, metrics)
    return state

  def record(self, state: TrainState, step: int) -> TrainState:
    """Write, evaluate and save what is due after `step` steps."""
    schedule = self._schedule
    last = step >= schedule.total
    if step % schedule.log == 0 or last:
      self._write_losses(step)
    self._progress.update(
      step,
      losses=self._losses,
      images=schedule.dispatch * self._run.batch_size,
    )
    if step % schedule.evaluate == 0 or last:
      self._window.read()  # nothing broken may be drawn
      metrics = self._run.evaluate(state)
      self._write(step, self._run.eval_split, metrics)
      state, row = self._run.update_balancing(state, metrics)
      if row:
        self._write(step, "balancing", row)
      self._save(state, step, metrics)
    elif step % schedule.save == 0:
      self._save(state, step, None)
    return state

  def stop(self, state: TrainState, step: int) -> None:
    """Save, because a signal asked the run to stop."""
    self._save(state, step, None)
    self._progress.message(
      f"Stopped at step {step}; the same command goes on from there."
    )

  def _write_losses(self, step: int) -> None:
    row = self._window.row()
    self._losses = {
      name.removesuffix("/loss"): value
      for name, value in row.items()
      if name.endswith("/loss")
    }
    self._write(step, "train", row)
    seconds = time.monotonic() - self._since
    self._writer.write_timing(
      step,
      {
        "images_per_second": self._progress.images_per_second,
        "data_wait_share": self._waited / seconds,
      },
    )
    self._waited, self._since = 0.0, time.monotonic()

  def _write(self, step: int, split: str, values: dict[str, Any]) -> None:
    epoch = int(step // self._schedule.steps_per_epoch)
    self._writer.write(step, epoch, split, values)

  def _save(
    self, state: TrainState, step: int, metrics: dict[str, float] | None
  ) -> None:
    sums = self._window.read()  # nothing broken may be saved
    self._writer.flush()
    self._checkpoints.save(step, state, metrics=metrics, extra={"window": sums})
