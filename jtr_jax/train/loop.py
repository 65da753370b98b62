"""The training run: dispatch, log, evaluate, save, stop.

The host only dispatches. Numbers are read back when a row is due, and every
file a run leaves is a function of the config: killed and resumed, a run ends
with the same bytes.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax

from jtr_jax.core import errors, hosts
from jtr_jax.models.initial_weights import InitialWeights
from jtr_jax.train import memory, plateau
from jtr_jax.train.dispatch import (
  Dispatch,
  fetch_steps,
  make_dispatch,
  replicated,
)
from jtr_jax.train.prediction_pictures import FOLDER as PICTURES
from jtr_jax.train.preemption import Preemption
from jtr_jax.train.progress import Progress
from jtr_jax.train.run_parts import Run, Schedule
from jtr_jax.train.state import TrainState, abstract_state, init_state
from jtr_jax.train.step import make_train_step
from jtr_jax.train.step_metrics import Window
from jtr_jax.workdir.checkpoints import Checkpoints
from jtr_jax.workdir.metric_files import MetricWriter


class Trained(NamedTuple):
  """What a call of `train` ended with.

  Attributes:
    state: the last one; it is saved.
    waited: evaluations in a row that were not better, at the end.
    finished: whether the run is at its end, and not only stopped by a signal.
  """

  state: TrainState
  waited: int
  finished: bool


def train(run: Run, checkpoints: Checkpoints, workdir: Path) -> Trained:
  """Train to the end, from the latest checkpoint if there is one.

  Args:
    run: what to train.
    checkpoints: of this workdir.
    workdir: where metrics go.

  Returns:
    The state after the last step, or after the step at which evaluations or a
    signal ended the run; everything is saved by then.

  Raises:
    NonFiniteError: a loss or gradient is NaN or infinite.
  """
  hosts.require_equal("checkpoints", checkpoints.steps)
  restored = None
  if checkpoints.steps:
    restored = checkpoints.restore_latest(
      abstract_state(
        run.net,
        run.method,
        run.optimizer,
        run.balancing,
        averaging=run.averaging,
        size=run.size,
        sharding=replicated(run.mesh),
      )
    )
  state = restored.state if restored else start_state(run)
  if restored:
    require_step(state, restored.step, run.schedule)
  first = restored.step if restored else 0
  extra = restored.extra if restored else {}
  with (
    Preemption() as preemption,
    MetricWriter(workdir, resume_step=first if restored else None) as writer,
    Progress(run.schedule.total, start=first) as progress,
  ):
    session = _Session(run, checkpoints, writer, progress, extra, workdir)
    if restored:
      progress.message(f"Resuming from step {first} of {run.schedule.total}")
    step = first
    while not (finished := session.is_over(step)):
      count = run.schedule.steps_at(step)
      state = session.advance(state, step, count)
      step += count
      state = session.record(state, step, count)
      if preemption.should_stop() and not session.is_over(step):
        session.stop(state, step)
        break
  checkpoints.wait()
  return Trained(state, session.patience.waited, finished)


def require_step(state: TrainState, step: int, schedule: Schedule) -> None:
  """Raise a `ValueError` if a checkpoint is not of the step it is named by."""
  most = schedule.total + schedule.dispatch - 1  # of older programs
  if int(state.step) == step <= most:
    return
  do = f"Rename checkpoints/{step} to {int(state.step)}, or delete it."
  if int(state.step) == step:
    do = "Train as long as before, or longer: train.steps, train.epochs."
  raise ValueError(
    errors.message(
      f"The checkpoint {step} cannot be that of this run",
      found=f"the state of step {int(state.step)} in a folder named {step}; "
      f"the run has {schedule.total} steps",
      expected="a folder with the name of its step, within the run",
      do=do,
    )
  )


def start_state(run: Run) -> TrainState:
  """Return the state before the first step, on all devices.

  Raises:
    ValueError: it, or a batch, cannot fit into memory.
  """

  def initialize(initial: InitialWeights) -> TrainState:
    return init_state(
      run.net,
      run.method,
      run.optimizer,
      run.balancing,
      averaging=run.averaging,
      size=run.size,
      seed=run.seed,
      initial=initial,
    )

  start = jax.jit(initialize, out_shardings=replicated(run.mesh))
  device = run.mesh.local_devices[0]
  memory.require_state(start.eval_shape(run.initial), device)
  images = run.batch_size // run.mesh.size
  memory.require_batch(images, run.size, device, "train.batch_size")
  return start(run.initial)


def run_dispatch(run: Run) -> Dispatch:
  """Return the compiled program that the run calls again and again."""
  step = make_train_step(
    run.net,
    run.method,
    run.optimizer,
    run.augment,
    run.balancing,
    averaging=run.averaging,
    seed=run.seed,
    mesh=run.mesh,
  )
  return make_dispatch(step, run.feed, run.mesh)


class _Session:
  """The state of the loop: what was dispatched but not yet written."""

  def __init__(
    self,
    run: Run,
    checkpoints: Checkpoints,
    writer: MetricWriter,
    progress: Progress,
    extra: Mapping[str, Any],
    workdir: Path,
  ):
    """Start, or resume from what a checkpoint has as `extra`."""
    self._run, self._schedule, self._workdir = run, run.schedule, workdir
    self._compiled: set[int] = set()
    self._checkpoints, self._writer = checkpoints, writer
    self._progress = progress
    self._window = Window(run.sample_ids, extra.get("window"))
    self.patience = plateau.restored(extra.get("patience"))
    self._dispatch = run_dispatch(run)
    self._waited, self._since = 0.0, time.monotonic()
    self._losses: dict[str, float] = {}

  def is_over(self, step: int) -> bool:
    """Return whether there is nothing to do after so many steps."""
    stops_early = self._run.early_stop.is_due(self.patience)
    return step >= self._schedule.total or stops_early

  def advance(self, state: TrainState, step: int, count: int) -> TrainState:
    """Dispatch `count` steps after `step`."""
    before = time.monotonic()
    fetched = fetch_steps(self._run.feed, step, count)
    self._waited += time.monotonic() - before
    if count not in self._compiled:
      self._progress.compiling()
    state, metrics = self._dispatch(state, self._run.feed.constant, fetched)
    if count not in self._compiled:
      self._compiled.add(count)
      self._progress.restart()
      self._since = time.monotonic()
    self._window.add(step, metrics)
    return state

  def record(self, state: TrainState, step: int, count: int) -> TrainState:
    """Write, evaluate and save what is due after `step` steps, `count` new."""
    schedule = self._schedule
    last = step >= schedule.total
    if step % schedule.log == 0 or last:
      self._write_losses(step)
    self._progress.update(
      step,
      losses=self._losses,
      images=count * self._run.batch_size,
    )
    if step % schedule.evaluate == 0 or last:
      self._window.read()  # nothing broken may be drawn
      metrics = self._run.evaluate(state)
      self._write(step, self._run.eval_split, metrics)
      self._writer.write_pictures(step, self._workdir / PICTURES)
      for name, update in self._run.updates.items():
        state, row = update(state, metrics)
        if row:
          self._write(step, name, row)
      self.patience = self._run.early_stop.after(self.patience, metrics)
      self._save(state, step, metrics)
    elif step % schedule.save == 0:
      self._save(state, step, None)
    return state

  def stop(self, state: TrainState, step: int) -> None:
    """Save, because a signal asked the run to stop."""
    self._save(state, step, None)
    self._progress.message(
      f"Stopped at step {step}; repeat the command to resume."
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
    extra: dict[str, Any] = {"window": sums}
    if self._run.early_stop.patience:
      extra["patience"] = self.patience
    self._checkpoints.save(step, state, metrics=metrics, extra=extra)
