"""What somebody asked for and a program could not honour."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from jtr_jax.balancing.loss_balancer import LossBalancer, Need
from jtr_jax.config import build, registry, schema
from jtr_jax.config.settings import Settings
from jtr_jax.core import errors


class _Needs(NamedTuple):
  """What another field has to be for a field to mean something."""

  field: str
  values: tuple[object, ...]


_MUST = _Needs("experiment.kind", ("must",))
_NEEDS: Mapping[str, _Needs] = {
  "experiment.teachers": _MUST,
  "experiment.teacher_step": _MUST,
  "experiment.confidence": _MUST,
  "experiment.grid": _Needs("experiment.kind", ("grid",)),
  "experiment.single_task_images": _Needs("experiment.kind", ("stl", "must")),
  "optimizer.decay_epochs": _Needs("optimizer.schedule", ("step",)),
  "optimizer.decay_rate": _Needs("optimizer.schedule", ("step", "plateau")),
  "optimizer.final_factor": _Needs("optimizer.schedule", ("cosine", "poly")),
  "optimizer.power": _Needs("optimizer.schedule", ("poly",)),
  "optimizer.rise": _Needs("optimizer.schedule", ("one_cycle",)),
  "optimizer.patience": _Needs("optimizer.schedule", ("plateau",)),
  "augment.scales": _Needs("augment.enabled", (True,)),
  "augment.flip": _Needs("augment.enabled", (True,)),
  "augment.colour_ops": _Needs("augment.enabled", (True,)),
  "augment.colour_bins": _Needs("augment.enabled", (True,)),
  "augment.views": _Needs("augment.enabled", (True,)),
}
"""Fields that are read only where another one has some value."""

_PREPARATION = ("raw", "train_count", "val_count")


def check(settings: Settings, given: Sequence[str]) -> None:
  """Raise a `ValueError` for what would be ignored without a word.

  Args:
    settings: as resolved.
    given: dotted names of the fields that the command line sets.
  """
  wanted = [name for name in given if name in _NEEDS]
  if settings.experiment.teachers:
    wanted.append("experiment.teachers")
  for name in dict.fromkeys(wanted):
    needs = _NEEDS[name]
    value = _value(settings, needs.field)
    if value not in needs.values:
      raise _ignored(name, needs, value)
  if settings.data.reader.name == "prepared":
    for name in _PREPARATION:
      if f"data.{name}" in given:
        raise _of_preparation(f"data.{name}")
  if settings.experiment.kind == "primaries":
    _require_primary(settings)


def _value(settings: Settings, field: str) -> object:
  section, _, name = field.partition(".")
  return getattr(getattr(settings, section), name)


def _require_primary(settings: Settings) -> None:
  """Raise unless one of the balancers treats one task as the primary one."""
  parts = (settings.balancing.loss, settings.balancing.gradient)
  loss: LossBalancer = build.make_part(
    parts[0], len(settings.tasks) or 2, LossBalancer, primary=0, period=1
  )
  is_asked = (_takes_primary(part.build) for part in parts)
  if any(is_asked) or Need.EXTRA_BATCH in loss.needs:
    return
  names = [
    f"{place}={name}"
    for place, table in registry.PARTS.items()
    if place.startswith("balancing.")
    for name, entry in table.entries.items()
    if _takes_primary(entry.build)
  ]
  raise ValueError(
    errors.message(
      "No balancer of this experiment has a primary task",
      found=f"balancing.loss {parts[0].name!r}, balancing.gradient "
      f"{parts[1].name!r}: the runs would not differ",
      expected="one of " + ", ".join(names),
      do="Write for example balancing=ial, or --config.experiment.kind=run.",
    )
  )


def _takes_primary(constructor: Callable[..., Any]) -> bool:
  return "primary" in inspect.signature(constructor).parameters


def _ignored(name: str, needs: _Needs, value: object) -> ValueError:
  values = " or ".join(schema.written(v) for v in needs.values)
  first = schema.written(needs.values[0])
  return ValueError(
    errors.message(
      f"config.{name} would be ignored",
      found=f"config.{needs.field}={schema.written(value)}",
      expected=f"config.{needs.field}={values}, which reads it",
      do=f"Add --config.{needs.field}={first}, or leave config.{name} out.",
    )
  )


def _of_preparation(name: str) -> ValueError:
  return ValueError(
    errors.message(
      f"config.{name} would be ignored",
      found="config.data.name=prepared, which takes the records as they are",
      expected="a data set that is prepared anew",
      do=f"Leave config.{name} out, or prepare the data again: "
      "python -m jtr_jax.data prepare.",
    )
  )
