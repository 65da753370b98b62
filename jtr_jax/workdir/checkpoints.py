"""Checkpoints: the latest ones, the best ones, whole and verified.

Orbax writes them in the background under a temporary name and renames at the
end, so whatever interrupts a run leaves the last complete checkpoint. Just
before that a manifest is added, to detect damaged files and foreign arrays, and
has the metrics by which the best checkpoint is found again after a restart.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import orbax.checkpoint as ocp
from absl import logging as absl_logging

from jtr_jax.core import errors, hosts, places
from jtr_jax.workdir import (
  checkpoint_errors,
  checkpoint_manifest,
  orbax_log,
)

_STATE = "state"  # the folder of a checkpoint that holds its arrays

Which: TypeAlias = int | Literal["latest", "best"]


class Restored(NamedTuple):
  """A checkpoint that was read.

  Attributes:
    step: its step.
    state: like the abstract state that was asked for, with its shardings.
    extra: what `Checkpoints.save` was given as `extra`.
  """

  step: int
  state: Any
  extra: dict[str, Any]


class _Pending(NamedTuple):
  """The checkpoint that is being written."""

  step: int
  size: int
  described: dict[str, Any]


class Checkpoints:
  """The checkpoints of one run, in one directory."""

  def __init__(
    self,
    directory: str | Path,
    *,
    keep_latest: int = 2,
    keep_best: int = 1,
    metric: str | None = None,
    higher_is_better: bool = True,
    read_only: bool = False,
  ):
    """Open or make the directory; what an interrupted save left is ignored.

    Args:
      directory: where the checkpoints are, one folder each, named by step.
      keep_latest: how many of the latest checkpoints are kept, at least 1.
      keep_best: how many of the best ones are kept in addition.
      metric: the name in `metrics` that decides which is best; None: none is.
      higher_is_better: direction of `metric`.
      read_only: make, clean and delete nothing, as when another process may be
        training in that directory.
    """
    if keep_latest < 1:
      raise ValueError(
        errors.message(
          "The latest checkpoint must be kept",
          found=f"keep_latest={keep_latest}",
          expected="at least 1",
          do="Set keep_latest to 1 or more.",
        )
      )
    self._directory = places.place(directory)
    if not places.is_stored(self._directory):
      self._directory = self._directory.absolute()
    self._keep_latest, self._keep_best = keep_latest, keep_best
    self._metric, self._higher_is_better = metric, higher_is_better
    orbax_log.keep_quiet()
    self._pending: _Pending | None = None
    self._manager = ocp.CheckpointManager(
      self._directory,
      options=ocp.CheckpointManagerOptions(
        preservation_policy=_Preservation(self._kept),
        async_options=ocp.AsyncOptions(post_finalization_callback=self._seal),
        cleanup_tmp_directories=not read_only,
        lightweight_initialize=True,
        create=not read_only,
      ),
    )
    self._scores: dict[int, float] = {}
    for step in self.steps:
      self._recall(step)

  @property
  def steps(self) -> list[int]:
    """Steps of all checkpoints, one still being written included."""
    return sorted(self._manager.all_steps())

  @property
  def latest_step(self) -> int | None:
    """The latest step, None if there is no checkpoint."""
    return max(self.steps, default=None)

  @property
  def best(self) -> tuple[int, float] | None:
    """Step and metric of the best checkpoint there is, the earliest if equal.

    A checkpoint without the metric, or with a NaN or infinite one, never is.
    """
    ranked = self._ranked(self.steps)
    return (ranked[0], self._scores[ranked[0]]) if ranked else None

  def save(
    self,
    step: int,
    state: Any,
    *,
    metrics: Mapping[str, float | None] | None = None,
    extra: Mapping[str, Any] | None = None,
  ) -> bool:
    """Start to save in the background; the state may be donated afterwards.

    Args:
      step: the step that `state` is the result of.
      state: pytree of arrays.
      metrics: results of an evaluation of this state, if there was one.
      extra: what else a resumed run needs; anything JSON can hold.

    Returns:
      False if there already is a checkpoint of this step: nothing is written.

    Raises:
      OSError: this save or the one before failed, as when the disk is full;
        the earlier checkpoints are untouched.
      ValueError: `metrics` lacks the deciding metric.
    """
    self.wait()
    if step in self.steps:
      return False
    self._remember(step, metrics)
    described = checkpoint_manifest.describe(
      state, metrics=metrics, extra=extra
    )
    self._pending = _Pending(step, checkpoint_manifest.size(state), described)
    arrays = ocp.args.Composite(state=ocp.args.StandardSave(state))
    with self._clear_save_errors():
      self._manager.save(step, args=arrays, force=True)
    return True

  def restore_latest(self, abstract_state: Any) -> Restored | None:
    """Return the latest checkpoint, None if there is none; see `restore`."""
    self.wait()
    return self.restore("latest", abstract_state) if self.steps else None

  def restore(self, which: Which, abstract_state: Any) -> Restored:
    """Read a checkpoint onto the devices that the abstract state names.

    The mesh it was saved from does not matter.

    Args:
      which: a step, "latest" or "best".
      abstract_state: pytree of `jax.ShapeDtypeStruct` or arrays; one without a
        sharding goes to the first local device.

    Returns:
      The checkpoint.

    Raises:
      ValueError: there is no such checkpoint, it is damaged, or it holds other
        arrays than asked for; the text says which.
    """
    self.wait()
    step = self._resolve(which)
    target = jax.tree.map(_placed, abstract_state)
    arrays = ocp.args.Composite(state=ocp.args.StandardRestore(target))
    with self._clear_read_errors(step):
      described = checkpoint_manifest.read(self._path(step))
    checkpoint_manifest.check_arrays(described, target, self._path(step))
    with self._clear_read_errors(step):
      hosts.require_success(self._damage(step, described))
      state = self._manager.restore(step, args=arrays)["state"]
    return Restored(step, state, described["extra"])

  def restore_part(self, which: Which, abstract_part: Any) -> Restored:
    """Read some of a checkpoint's arrays; see `restore`.

    Args:
      which: a step, "latest" or "best".
      abstract_part: nested dictionaries as the saved state has them, with only
        the arrays that are wanted.

    Raises:
      ValueError: as `restore`; further arrays in the checkpoint are no error.
    """
    step = self._resolve(which)
    target = jax.tree.map(_placed, abstract_part)
    with self._clear_read_errors(step):
      described = checkpoint_manifest.read(self._path(step))
    checkpoint_manifest.check_arrays(
      described, target, self._path(step), may_have_more=True
    )
    wanted = ocp.args.PyTreeRestore(
      item=target,
      restore_args=ocp.checkpoint_utils.construct_restore_args(target),
      partial_restore=True,
    )
    with (
      self._clear_read_errors(step),
      ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader,
    ):
      checkpoint_manifest.check_files(self._path(step), described)
      part = reader.restore(self._path(step) / _STATE, args=wanted)
    return Restored(step, part, described["extra"])

  def arrays(self, which: Which) -> frozenset[str]:
    """Return the names of a checkpoint's arrays, such as "params/encoder/...".

    Raises:
      ValueError: there is no such checkpoint, or its manifest is damaged.
    """
    step = self._resolve(which)
    with self._clear_read_errors(step):
      return frozenset(checkpoint_manifest.read(self._path(step))["arrays"])

  def _damage(
    self, step: int, described: Mapping[str, Any]
  ) -> Exception | None:
    """Return what is wrong with the files; process 0 alone reads them all."""
    try:
      if hosts.is_primary():
        checkpoint_manifest.check_files(self._path(step), described)
    except (OSError, ValueError) as error:
      return error
    return None

  def wait(self) -> None:
    """Wait until what was being saved is complete.

    Raises:
      OSError: it could not be written; see `save`.
    """
    with self._clear_save_errors():
      self._manager.wait_until_finished()
      self._manager.check_for_errors()
    self._pending = None

  def close(self) -> None:
    """Wait and stop the threads; raises what `wait` raises."""
    try:
      self.wait()
    finally:
      self._manager.close()

  def __enter__(self) -> "Checkpoints":
    return self

  def __exit__(self, *_: object) -> None:
    self.close()

  def _path(self, step: int) -> Path:
    return self._directory / str(step)

  def _seal(self) -> None:
    """Add the manifest, just before Orbax makes the checkpoint complete.

    It does so by renaming the folder or, in a store, by one more file there.
    """
    if self._pending is None:
      raise RuntimeError("Orbax ends a save that was not begun")
    name = str(self._pending.step)
    drafts = list(self._directory.glob(f"{name}.orbax-checkpoint-tmp*"))
    (folder,) = drafts or [self._path(self._pending.step)]
    checkpoint_manifest.write(folder, self._pending.described, part=_STATE)

  def _remember(
    self, step: int, metrics: Mapping[str, float | None] | None
  ) -> None:
    """Record the deciding metric of a step, if there is a finite one."""
    self._scores.pop(step, None)
    if self._metric is None or metrics is None:
      return
    if self._metric not in metrics:
      raise errors.unknown_name("metric", self._metric, metrics)
    value = metrics[self._metric]
    if value is not None and math.isfinite(value):
      self._scores[step] = float(value)

  def _recall(self, step: int) -> None:
    """Record the deciding metric of a step that is on disk."""
    try:
      metrics = checkpoint_manifest.read(self._path(step))["metrics"] or {}
    except (OSError, ValueError) as error:  # restoring it will raise
      why = checkpoint_errors.first_line(error)
      absl_logging.warning("Checkpoint %s: %s", self._path(step), why)
      return
    if self._metric in metrics:
      self._remember(step, metrics)

  def _ranked(self, steps: list[int]) -> list[int]:
    scores = {
      step: self._scores[step] for step in steps if step in self._scores
    }
    return best_first(scores, higher_is_better=self._higher_is_better)

  def _kept(self, steps: list[int]) -> set[int]:
    latest = sorted(steps)[-self._keep_latest :]
    return {*latest, *self._ranked(steps)[: self._keep_best]}

  def _resolve(self, which: Which) -> int:
    best = self.best
    named = {"latest": self.latest_step, "best": best[0] if best else None}
    step = named.get(which) if isinstance(which, str) else which
    if step is not None and step in self.steps:
      return step
    raise checkpoint_errors.not_found(
      self._directory, which, steps=self.steps, metric=self._metric
    )

  @contextmanager
  def _clear_save_errors(self) -> Iterator[None]:
    try:
      yield
    except Exception as error:  # TensorStore's are ValueErrors, Orbax's vary.
      if self._pending is None or hosts.is_lost(error):
        raise
      (step, size, _), self._pending = self._pending, None
      self._manager.reload()
      raise checkpoint_errors.not_saved(
        self._directory, step, size=size, steps=self.steps, why=error
      ) from error

  @contextmanager
  def _clear_read_errors(self, step: int) -> Iterator[None]:
    try:
      yield
    except Exception as error:  # Orbax raises many kinds, also `Exception`.
      if hosts.is_lost(error):
        raise
      earlier = [other for other in self.steps if other < step]
      raise checkpoint_errors.not_readable(
        self._path(step), earlier=earlier, why=error
      ) from error


class _Preservation:
  """Orbax's policy of which checkpoints to keep."""

  def __init__(self, kept: Callable[[list[int]], set[int]]):
    self._kept = kept

  def should_preserve(
    self, checkpoints: Sequence[Any], *, context: object
  ) -> list[bool]:
    del context
    steps = [checkpoint.step for checkpoint in checkpoints]
    kept = self._kept(steps)
    return [step in kept for step in steps]


def best_first(
  scores: Mapping[int, float], *, higher_is_better: bool
) -> list[int]:
  """Return the steps, best score first, the earlier step first if equal.

  Args:
    scores: step -> finite score.
    higher_is_better: direction of the score.

  Returns:
    All steps of `scores`.
  """
  sign = -1 if higher_is_better else 1
  return sorted(scores, key=lambda step: (sign * scores[step], step))


def _placed(leaf: Any) -> jax.ShapeDtypeStruct:
  sharding = getattr(leaf, "sharding", None)
  if sharding is None:
    sharding = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
  return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)
