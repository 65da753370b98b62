"""Metric files that are the same whether or not the run was interrupted.

`metrics.jsonl` is the record; `metrics.csv` has the same numbers in long form
(one number a line, so that columns never change and lines are only appended):

    table = pandas.read_csv("metrics.csv")
    table = table[(table.split == "val") & (table.metric == "mIoU")]
    table.pivot(index="step", columns="task", values="value").plot()

Numbers have the shortest digits that give the float32 back; a NaN or infinite
one is null, or empty. Neither file holds wall-clock times: a run that was
killed and resumed ends with the bytes of one that was not. `timing.jsonl` has
the times, and `tensorboard/` everything.
"""

import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from absl import logging

from jtr_jax.core import errors, hosts, places
from jtr_jax.workdir import appended_file, picture_events, text_files

Number: TypeAlias = Any
"""A float, an int, a bool, or an array of one of them with shape []."""

_HEADER = "step,epoch,split,task,metric,value\n"
_FIXED = ("step", "epoch", "split")


class MetricWriter:
  """Writes the rows of one run; of several processes process 0 alone does.

  Rows come in order of steps. A row is handed to the operating system before
  `write` returns. To be resumable write all rows of a step, then `flush`, then
  save its checkpoint.
  """

  def __init__(
    self,
    workdir: str | Path,
    *,
    resume_step: int | None = None,
    tensorboard: bool = True,
  ):
    """Open the files, cut to what the run had done at its checkpoint.

    Args:
      workdir: existing folder of the run.
      resume_step: step of the checkpoint that the run resumes from: rows of
        later steps and a torn last line are removed. None: the run starts from
        scratch and earlier rows are removed.
      tensorboard: also write TensorBoard events.

    Raises:
      ValueError: metrics.jsonl is damaged elsewhere than at its end.
    """
    self._workdir, self._last_step = places.place(workdir), 0
    self._files: dict[str, Any] = {}
    self._events: Any = None
    self._drafts: tempfile.TemporaryDirectory[str] | None = None
    if hosts.is_primary():
      self._begin(resume_step, tensorboard=tensorboard)

  def _begin(self, resume_step: int | None, *, tensorboard: bool) -> None:
    """Cut and open the files."""
    last = -1 if resume_step is None else resume_step
    rows = _kept_rows(self._workdir / "metrics.jsonl", last)
    _cut(self._workdir / "metrics.jsonl", "".join(map(_json_line, rows)))
    _cut(
      self._workdir / "metrics.csv", _HEADER + "".join(map(_csv_lines, rows))
    )
    times = self._workdir / "timing.jsonl"
    kept = [] if resume_step is None else _complete_rows(times)
    _cut(times, "".join(map(_json_line, kept)))
    self._files = {
      name: appended_file.open_at_end(self._workdir / name)
      for name in ("metrics.jsonl", "metrics.csv", "timing.jsonl")
    }
    self._last_step = rows[-1]["step"] if rows else 0
    if not tensorboard:
      return
    folder = self._workdir / "tensorboard"
    if places.is_stored(folder):
      self._drafts = tempfile.TemporaryDirectory()
      folder = Path(self._drafts.name)
    self._events = _events(folder, resume_step)

  def write(
    self, step: int, epoch: int, split: str, values: Mapping[str, Number]
  ) -> None:
    """Add one row.

    Args:
      step: not lower than in the row before.
      epoch: how many times the data has been seen.
      split: such as "train" or "val".
      values: "<task>/<metric>", or "<metric>" where it is of no task.

    Raises:
      ValueError: rows out of order.
      OSError: the row cannot be written.
    """
    if step < self._last_step:
      raise ValueError(
        errors.message(
          "Rows of metrics must come in order of steps",
          found=f"step {step} after step {self._last_step}",
          expected="a step that is not lower",
          do="Write all rows of a step before those of the next.",
        )
      )
    self._last_step = step
    row = {"step": int(step), "epoch": int(epoch), "split": split}
    row |= {f"{split}/{name}": _number(v) for name, v in values.items()}
    if not self._files:
      return
    self._append("metrics.jsonl", _json_line(row))
    self._append("metrics.csv", _csv_lines(row))
    self._add_scalars(step, _values(row))

  def write_timing(self, step: int, values: Mapping[str, Number]) -> None:
    """Add a row of times or speeds, which no two runs have in common.

    Args:
      step: the step just done.
      values: such as "images_per_second".
    """
    row = {"step": int(step)} | {k: _number(v) for k, v in values.items()}
    if not self._files:
      return
    self._append("timing.jsonl", _json_line(row))
    self._add_scalars(step, {f"timing/{k}": row[k] for k in values})

  def write_pictures(self, step: int, folder: Path) -> None:
    """Show the pictures of a folder in TensorBoard."""
    picture_events.add(self._events, step, folder)

  def flush(self) -> None:
    """Flush everything written so far to disk."""
    for name, file in self._files.items():
      with text_files.clear_errors(self._workdir / name):
        file.sync()
    if self._events:
      self._events.flush()
      self._copy_events()

  def close(self) -> None:
    """Flush and close the files; closing twice does no harm."""
    self.flush()
    for file in self._files.values():
      file.close()
    self._files = {}
    if self._events:
      self._events.close()
      self._copy_events()
    if self._drafts:
      self._drafts.cleanup()
    self._events = self._drafts = None

  def __enter__(self) -> "MetricWriter":
    return self

  def __exit__(self, *_: object) -> None:
    self.close()

  def _copy_events(self) -> None:
    """Bring TensorBoard's files from this machine's disk to the store."""
    if self._drafts is None:
      return
    for path in places.files_below(Path(self._drafts.name)):
      target = self._workdir / "tensorboard" / path.name
      text_files.replace_bytes(target, path.read_bytes())

  def _append(self, name: str, text: str) -> None:
    with text_files.clear_errors(self._workdir / name):
      rest = text.encode()
      while rest:  # a nearly full disk takes a part before it refuses
        rest = rest[self._files[name].write(rest) :]

  def _add_scalars(
    self, step: int, values: Mapping[str, float | int | None]
  ) -> None:
    if self._events:
      for name, value in values.items():
        if value is not None:
          self._events.add_scalar(name, value, step)


def read_rows(path: str | Path) -> list[dict[str, Any]]:
  """Return the rows of a metrics.jsonl or timing.jsonl.

  Args:
    path: the file; a torn last line is left out.

  Returns:
    Its rows, in order; [] if there is no such file.

  Raises:
    ValueError: a line other than the last is no JSON object.
  """
  return _complete_rows(places.place(path))


def _events(folder: Path, resume_step: int | None) -> Any:
  from tensorboardX import SummaryWriter  # half a second, and not always wanted

  purge = 0 if resume_step is None else resume_step + 1
  return SummaryWriter(str(folder), purge_step=purge)


def _kept_rows(path: Path, last: int) -> list[dict[str, Any]]:
  rows = _complete_rows(path)
  kept = [row for row in rows if row["step"] <= last]
  if len(kept) < len(rows):
    logging.info("%s: %d later rows removed", path, len(rows) - len(kept))
  return kept


def _complete_rows(path: Path) -> list[dict[str, Any]]:
  if not path.exists():
    return []
  *lines, _ = path.read_bytes().split(b"\n")  # what follows the last is torn
  return [_row(path, number, line) for number, line in enumerate(lines, 1)]


def _row(path: Path, number: int, line: bytes) -> dict[str, Any]:
  try:
    row = json.loads(line)
    if isinstance(row, dict) and isinstance(row.get("step"), int):
      return row
  except ValueError:
    pass
  raise ValueError(
    errors.message(
      f"A line of {path} is damaged",
      found=f"line {number}: {line[:80]!r}",
      expected='a JSON object with a "step"',
      do="Remove that line and start the same command again.",
    )
  )


def _cut(path: Path, text: str) -> None:
  """Replace a file unless it already is as it should be."""
  if not path.exists() or path.read_bytes() != text.encode():
    text_files.replace(path, text)


def _number(value: Number) -> float | int | None:
  """Return what JSON prints with the shortest digits of the float32."""
  array = np.asarray(value)
  if array.shape:
    raise ValueError(
      errors.message(
        "A metric must be one number",
        found=f"shape {array.shape}",
        expected="shape ()",
        do="Reduce it, or write its entries under names of their own.",
      )
    )
  if array.dtype.kind in "biu":
    return int(array)
  with np.errstate(over="ignore"):
    short = float(str(np.float32(array)))
  return short if math.isfinite(short) else None


def _json_line(row: Mapping[str, Any]) -> str:
  return json.dumps(row, allow_nan=False) + "\n"


def _values(row: Mapping[str, Any]) -> dict[str, float | int | None]:
  return {name: v for name, v in row.items() if name not in _FIXED}


def _csv_lines(row: Mapping[str, Any]) -> str:
  start = ",".join(_quoted(str(row[name])) for name in _FIXED)
  lines = []
  for name, value in _values(row).items():
    task, metric = _task_and_metric(name.removeprefix(row["split"] + "/"))
    text = "" if value is None else repr(value)
    lines.append(f"{start},{_quoted(task)},{_quoted(metric)},{text}\n")
  return "".join(lines)


def _task_and_metric(name: str) -> tuple[str, str]:
  first, slash, rest = name.partition("/")
  return (first, rest) if slash else ("", first)


def _quoted(text: str) -> str:
  return (
    '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text
  )
