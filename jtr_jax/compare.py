"""Put finished runs side by side.

python -m jtr_jax.compare WORKDIR ... prints a Markdown table of every task's
first metric: mean and sample standard deviation of the runs that differ in the
seed alone. `--against=ROW` adds Delta_MTL against the means of one of the rows,
`--metrics=TASK/METRIC,...` chooses others and adds Acc_MTL, as do runs with
`evaluate.metrics`, and `--epoch=N` compares all runs after the same number of
epochs.
"""

import sys

from jtr_jax.core import extras, places

with extras.required("program"):
  from absl import app, flags

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


def main(argv: list[str]) -> None:
  """Print the table."""
  folders = [places.place(argument) for argument in argv[1:]]
  if not folders:
    raise app.UsageError("Name the workdirs to compare.")
  reading = compare_runs.Reading(saved.read_plain, kinds.method_of)
  runs = compare_runs.read_runs(
    folders, _RULE.value, reading=reading, epoch=_EPOCH.value
  )
  groups = compare_runs.group(runs)
  sys.stdout.write(
    compare_table.to_markdown(groups, _AGAINST.value, _METRICS.value)
  )


if __name__ == "__main__":
  flag.run(main)
