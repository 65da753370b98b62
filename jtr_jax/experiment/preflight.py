"""What is checked before a data set is prepared, which can take hours."""

from collections.abc import Mapping
from pathlib import Path

from jtr_jax.config import (
  build,
  build_balancing,
  build_optimizer,
  deciding_metric,
  registry,
)
from jtr_jax.config.settings import Settings, SourceSettings
from jtr_jax.data.datasets import prepare
from jtr_jax.data.records.manifest import Manifest, TaskOptions
from jtr_jax.experiment import source_errors
from jtr_jax.experiment.must import teachers
from jtr_jax.metrics import delta
from jtr_jax.metrics.baseline import read_baseline


def check(settings: Settings) -> None:
  """Raise a `ValueError` for settings that no data could make right.

  Tasks are those of a prepared data set, or those that its preparation would
  give; of a user's own reader they are unknown, and not checked.
  """
  data = settings.data
  baseline = settings.evaluate.baseline
  compared = read_baseline(baseline) if baseline else None
  sources: list[SourceSettings] = [data, *data.sources.values()]
  if not any(source.eval_split for source in sources):
    raise source_errors.nothing_to_evaluate()
  if settings.experiment.kind == "must":
    teachers.find(settings.experiment.teachers, settings.tasks)
  for source in sources:
    if source.reader.name == registry.PREPARED:
      build.open_data(source)
  known = [_tasks_of(source) for source in sources]
  if any(tasks is None for tasks in known):
    return
  merged = {n: t for tasks in reversed(known) for n, t in (tasks or {}).items()}
  manifest = Manifest(data.reader.name, (32, 32), merged, {}, {})
  tasks = build.make_tasks(
    settings.tasks, manifest, settings.augment.normal_resize
  )
  deciding_metric.of_run(settings, tasks)
  if compared:
    delta.check_baseline(compared, tasks, settings.evaluate.metrics)
  if settings.experiment.kind != "stl":  # its networks have a task each
    build.make_model(settings, tasks)
    method = build.make_method(settings, tasks, 1.0)
    balancing = build_balancing.make_balancing(settings, tasks, 1.0)
    build_optimizer.make_optimizer(settings, method, 1.0, balancing)


def _tasks_of(source: SourceSettings) -> Mapping[str, TaskOptions] | None:
  """Return the tasks that a source has or will have, None if unknown."""
  return prepare.known_tasks(
    source.reader.name, Path(source.directory), source.raw
  )
