"""Checks examples on their way to the records."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.records.manifest import Split
from jtr_jax.data.records.stored_form import (
  StoredForm,
  TaskOptions,
  stored_form,
)

Arrays: TypeAlias = Mapping[str, np.ndarray | None]
"""`image` u8[H, W, 3] and, for each task, the stored label or None."""


class CheckedRows:
  """Checks the rows of one split as they are written, and counts them."""

  def __init__(
    self, split: str, tasks: Mapping[str, TaskOptions], size: tuple[int, int]
  ) -> None:
    self._split = split
    self._tasks = tasks
    self.forms = {"image": StoredForm(np.dtype("uint8"), (*size, 3))} | {
      task: stored_form(task, options, size) for task, options in tasks.items()
    }
    self._ids: dict[str, None] = {}
    self._labelled: dict[str, list[bool]] = {task: [] for task in tasks}

  def check(
    self, examples: Iterable[tuple[str, Arrays]]
  ) -> Iterator[dict[str, Any]]:
    """Yield rows for the builder."""
    for identifier, arrays in examples:
      if identifier in self._ids:
        raise self._error(identifier, "this id twice", "every id once")
      self._ids[identifier] = None
      for name, form in self.forms.items():
        self._check_array(identifier, name, arrays.get(name), form)
      for task, column in self._labelled.items():
        column.append(arrays.get(task) is not None)
      row = {name: arrays.get(name) for name in self.forms}
      yield {"id": identifier, **row}

  def _check_array(
    self,
    identifier: str,
    name: str,
    array: np.ndarray | None,
    form: StoredForm,
  ) -> None:
    if array is None:
      if name == "image":
        raise self._error(identifier, "no image", "an image")
      return
    if array.dtype != form.dtype or array.shape != form.shape:
      raise self._error(
        identifier,
        f"{name} {array.dtype}{list(array.shape)}",
        f"{form.dtype}{list(form.shape)}",
      )
    if form.is_whole and (array.min() < -1 or array.max() > form.last):
      found = f"{name} with numbers from {array.min()} to {array.max()}"
      raise self._error(identifier, found, f"-1 (none) to {form.last}")

  def _error(self, identifier: str, found: str, expected: str) -> ValueError:
    return ValueError(
      errors.message(
        f"Image {identifier!r} of split {self._split!r} cannot be stored",
        found=found,
        expected=expected,
        do="Fix the reader that made it.",
      )
    )

  def check_count(self, expected: int) -> None:
    """Raise if another number of rows passed than was announced."""
    if len(self._ids) != expected:
      raise ValueError(
        errors.message(
          f"Split {self._split!r} ended at another count than announced",
          found=f"{len(self._ids)} images",
          expected=f"{expected}",
          do="Fix the reader that made them.",
        )
      )

  def result(self) -> Split:
    """Return the manifest's entry of the split."""
    labelled = {task: np.array(c, bool) for task, c in self._labelled.items()}
    return Split(tuple(self._ids), labelled)
