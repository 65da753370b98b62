"""Put finished runs side by side.

python -m jtr_jax.compare WORKDIR ... prints a Markdown table of every task's
first metric: mean and sample standard deviation of the runs that differ in the
seed alone. `--against=ROW` adds Delta_MTL against the means of one of the rows,
`--metrics=TASK/METRIC,...` chooses others and adds Acc_MTL, as do runs with
`evaluate.metrics`, and `--epoch=N` compares all runs after the same number of
epochs.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from jtr_jax.core import extras, paths

with extras.required("program"):
  from absl import flags

  from jtr_jax.config import flag, saved
  from jtr_jax.experiment import kinds
  from jtr_jax.workdir import compare_runs, compare_table

_AGAINST = flags.DEFINE_string(
  "against", "", "The row that Delta_MTL is measured against."
)
_RULE = flags.DEFINE_enum(
  "rule", "last", ["last", "best"], "Which step of a run counts."
)
_METRICS = flags.DEFINE_list(
  "metrics", [], "The metrics that are shown and summarised, <task>/<metric>."
)
_EPOCH = flags.DEFINE_integer(
  "epoch", 0, "Compare the evaluations after this epoch; 0: those of --rule."
)


def main(argv: list[str]) -> int:
  """Print the table; return 1 if a run had to be left out of it."""
  folders = [paths.workdir(word, "A workdir") for word in argv[1:]]
  _require_different(folders)
  if _EPOCH.value < 0:
    raise flag.misused(
      "--epoch counts passes over the images",
      found=f"--epoch={_EPOCH.value}",
      expected="1 or more, or 0 for the epoch of --rule",
      do="Give an epoch that all runs were evaluated after.",
    )
  reading = compare_runs.Reading(saved.read_plain, kinds.method_of)
  runs, lacking = compare_runs.read_finished(
    folders, _RULE.value, reading=reading, epoch=_EPOCH.value
  )
  groups = compare_runs.group(runs)
  sys.stdout.write(
    compare_table.to_markdown(groups, _AGAINST.value, _METRICS.value)
  )
  for reason in lacking:
    sys.stderr.write(f"Left out: {reason}\n")
  return 1 if lacking else 0


def _require_different(folders: Sequence[Path]) -> None:
  """Raise a `ValueError` unless there are workdirs, each named once."""
  seen: dict[Path, Path] = {}
  for folder in folders:
    other = seen.setdefault(folder.resolve(), folder)
    if other is not folder:
      raise flag.misused(
        "A workdir is named twice: it would count as two seeds",
        found=f"{other} and {folder}",
        expected="every workdir once",
        do="Leave one of them out.",
      )
  if not folders:
    raise flag.misused(
      "There is nothing to compare",
      found="no workdir",
      expected="workdirs of finished runs",
      do="Write python -m jtr_jax.compare runs/one runs/other.",
    )


if __name__ == "__main__":
  flag.run(main)
