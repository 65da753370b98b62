"""Notices that the checkpoints of a run were deleted."""

from pathlib import Path

from jtr_jax.core import errors
from jtr_jax.workdir import metric_files, result_card

FOLDER = "checkpoints"
_METRICS = "metrics.jsonl"


def check(workdir: Path) -> None:
  """Raise a `ValueError` if a run was here whose checkpoints are gone.

  Training anew would delete its metrics. A checkpoint is complete before the
  rows of the next but one evaluation are written, so an interrupted run without
  one has at most two.

  Args:
    workdir: folder of the run; there may be none yet.
  """
  if any(path.name.isdecimal() for path in (workdir / FOLDER).glob("*")):
    return
  rows = metric_files.read_rows(workdir / _METRICS)
  steps = {row["step"] for row in rows if row.get("split") != "train"}
  if not result_card.exists(workdir) and len(steps) <= 2:
    return
  raise ValueError(
    errors.message(
      f"The checkpoints of the run in {workdir} are gone",
      found=f"metrics until step {max(steps, default=0)}, and no checkpoint",
      expected=f"the folder {workdir / FOLDER} with a folder for each step",
      do="Restore them, or choose another --workdir to train anew.",
    )
  )
