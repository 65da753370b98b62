"""Tasks of a user's own: a class in place of that of a task's kind."""

import inspect
from collections.abc import Mapping
from typing import Any

from jtr_jax.config import own_parts, schema
from jtr_jax.core import errors
from jtr_jax.tasks.base import Task

_OF_THE_LABELS = ("channels", "unit")
"""What every label has, whether a class asks for it or not."""


def make(name: str, place: str, options: Mapping[str, Any]) -> Task:
  """Return a task of the user's own class.

  Args:
    name: of the task.
    place: `package.module:attribute`, a class or function whose first parameter
      is the name.
    options: keyword arguments, and what the data says of its labels: `classes`
      become `num_classes` and `class_names`, as `Segmentation` has them.

  Raises:
    ValueError: it cannot be imported, does not take these options, or makes
      something else.
  """
  build = own_parts.load("task kind", place)
  taken = list(inspect.signature(build).parameters)[1:]
  given = dict(options)
  if "classes" in given and "num_classes" in taken:
    names = given.pop("classes")
    given |= {"num_classes": len(names), "class_names": names}
  if "sets" in given:
    given["sets"] = tuple(map(tuple, given["sets"]))
  for field in _OF_THE_LABELS:
    if field not in taken:
      given.pop(field, None)
  schema.check_names(f"field of the task {name!r} ({place})", given, taken)
  known = schema.fields_of(build)
  for field, value in given.items():
    if field in known:
      schema.check(f"tasks.{name}.{field}", value, known[field])
  made = build(name, **given)
  if isinstance(made, Task):
    return made
  raise ValueError(
    errors.message(
      f"{place!r} makes no task",
      found=f"a {type(made).__name__}",
      expected="a jtr_jax.tasks.base.Task",
      do="Derive it from Task, or from the task that it resembles.",
    )
  )
