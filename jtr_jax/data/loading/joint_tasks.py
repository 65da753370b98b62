"""The tasks of several data sets that are mixed in one run."""

from collections.abc import Mapping

from jtr_jax.core import errors
from jtr_jax.data.records.manifest import Manifest, check_same_task
from jtr_jax.data.records.stored_form import TaskOptions


def join_tasks(manifests: Mapping[str, Manifest]) -> dict[str, TaskOptions]:
  """Return the tasks of all data sets that are to be mixed.

  Args:
    manifests: name of the source -> its manifest, the main one first.

  Returns:
    Task name -> `kind` and options, such as scales of pictures, of the first
    source that has it.

  Raises:
    ValueError: images of different sizes, or two data sets that mean different
      things by the name of a task: kind, classes, channels or unit.
  """
  (first, main), *others = manifests.items()
  known = {task: (first, options) for task, options in main.tasks.items()}
  for name, manifest in others:
    if manifest.size != main.size:
      raise ValueError(
        errors.message(
          f"The images of source {name!r} cannot be mixed with the others",
          found=_pixels(name, manifest) + " and " + _pixels(first, main),
          expected="the same size",
          do="Prepare one of them again, with --size or data.size.",
        )
      )
    for task, options in manifest.tasks.items():
      if task in known:
        owner, before = known[task]
        check_same_task(task, {owner: before, name: options})
      else:
        known[task] = (name, options)
  return {task: options for task, (_, options) in known.items()}


def _pixels(name: str, manifest: Manifest) -> str:
  height, width = manifest.size
  return f"{height}x{width} in {name!r}"
