"""The label split of a run: drawn, or from a file."""

from collections.abc import Sequence
from pathlib import Path

from jtr_jax.data.label_splits import released, scenarios, text_file
from jtr_jax.data.label_splits.scenarios import LabelSplit

_RELEASED = (".pth", ".npy")


def make_or_read(
  ids: Sequence[str],
  tasks: Sequence[str],
  *,
  scenario: str,
  scenario_tasks: Sequence[str],
  seed: int,
  file: str = "",
) -> LabelSplit:
  """Return which image keeps its label for which task.

  Args:
    ids: N sample ids of the data.
    tasks: the K tasks of the run.
    scenario: drawn, see `scenarios`; of a file's labels it hides those of the
      images that its suffix takes all labels from.
    scenario_tasks: the tasks that it is drawn for. With more than those of the
      run, single-task learning sees the labels that multi-task learning sees.
    seed: of the drawing.
    file: a text split, or a released `.pth` or `.npy`; "" for none.

  Returns:
    The split, rows as `ids` and columns as `tasks`.

  Raises:
    ValueError: the file or the scenario does not fit ids and tasks.
  """
  if not file:
    split = scenarios.make_split(scenario, ids, scenario_tasks, seed=seed)
    labelled = scenarios.align_split(split, ids, tasks)
    return LabelSplit(tuple(ids), tuple(tasks), labelled, split.about)
  path = Path(file)
  is_released = path.suffix in _RELEASED
  split = (
    released.import_split(path, ids, tasks)
    if is_released
    else text_file.load_split(path)
  )
  about = {"scenario": path.name, **split.about}
  labelled = scenarios.align_split(split, ids, tasks)
  labelled &= ~scenarios.hidden(ids, scenarios.parse_scenario(scenario), seed)[
    :, None
  ]
  _, plus, suffix = scenario.partition("+")
  about["scenario"] += plus + suffix
  return LabelSplit(tuple(ids), tuple(tasks), labelled, about)
