"""The few lines that describe the tasks of a folder: `tasks.toml`."""

import math
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jtr_jax.core import errors
from jtr_jax.data.datasets.folder_tasks import FolderTask

FILE_NAME = "tasks.toml"

_DEFAULT_INVALID = {"depth": 0.0, "inverse_depth": 0.0}
_UNITS = {"depth": "m", "inverse_depth": "1/m"}

_SCALES = ("joint_mean", "joint_std", "picture_range")
_DISTANCE = ("scale", "invalid", *_SCALES)
_NUMBERS = ("scale", "invalid", "channels", "unit")
FIELDS: Mapping[str, tuple[str, ...]] = {
  "segmentation": ("kind", "classes", "ignore"),
  "depth": ("kind", *_DISTANCE),
  "inverse_depth": ("kind", *_DISTANCE, "unit"),
  "normals": ("kind",),
  "regression": ("kind", *_NUMBERS, "picture_range"),
  "human_parts": ("kind", "classes", "ignore"),
  "saliency": ("kind", "threshold", "ignore"),
  "edges": ("kind", "threshold", "ignore"),
  "classification": ("kind", "classes", "ignore"),
  "multilabel": ("kind", "classes", "ignore"),
  "scalar": ("kind", *_NUMBERS),
  "soft_labels": ("kind", "classes", "grid", "top"),
}
"""What a table of each kind may hold."""


class _Rule(NamedTuple):
  """What the value of a field has to be."""

  holds: Callable[[Any], bool]
  expected: str


def _is_number(value: Any) -> bool:
  is_number = isinstance(value, int | float) and not isinstance(value, bool)
  return is_number and math.isfinite(value)


def _is_range(value: Any) -> bool:
  is_pair = isinstance(value, list) and len(value) == 2
  return is_pair and all(map(_is_number, value)) and value[0] < value[1]


def _is_count(value: Any) -> bool:
  return type(value) is int and value > 0


def _is_grid(value: Any) -> bool:
  is_pair = isinstance(value, list) and len(value) == 2
  return is_pair and all(map(_is_count, value))


_NUMBER = _Rule(_is_number, "a number")
_COUNT = _Rule(_is_count, "a whole number from 1")
_RULES: Mapping[str, _Rule] = {
  "scale": _NUMBER,
  "invalid": _NUMBER,
  "channels": _COUNT,
  "threshold": _NUMBER,
  "grid": _Rule(_is_grid, "[rows, columns]"),
  "top": _COUNT,
  "unit": _Rule(lambda x: isinstance(x, str), "a text"),
  "joint_mean": _NUMBER,
  "joint_std": _Rule(lambda x: _is_number(x) and x > 0, "a number above 0"),
  "picture_range": _Rule(_is_range, "[smallest, largest], the unit as scaled"),
}


def read_tasks(path: Path) -> dict[str, FolderTask]:
  """Read `tasks.toml`.

  Args:
    path: the file.

  Returns:
    The tasks, in the order of the file.

  Raises:
    ValueError: naming the file, the task and the field.
  """
  try:
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
  except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
    raise ValueError(
      errors.message(
        f"{path} cannot be read",
        found=str(e),
        expected="a TOML file with one table for each task",
        do="Fix it; `python -m jtr_jax.data inspect` proposes one.",
      )
    ) from e
  if not tables:
    raise _field_error(path, "no task", "a table such as [depth]")
  return {name: parse_task(name, table, path) for name, table in tables.items()}


def parse_task(name: str, table: Any, path: Path) -> FolderTask:
  """Return the task that one table of `tasks.toml` describes.

  A kind of the user's own, `package.module:attribute`, has its files read and
  stored as those of the kind `stored_as`; what that kind does not know are
  keyword arguments of the user's class.
  """
  if not isinstance(table, dict):
    raise _field_error(path, f"{name} = {table!r}", f"a table [{name}]")
  own = str(table.get("kind", ""))
  is_own = ":" in own
  kind = str(table.get("stored_as", "regression")) if is_own else own
  if kind not in FIELDS:
    raise errors.unknown_name(f"kind of [{name}] in {path}", kind, FIELDS)
  arguments = {n: v for n, v in table.items() if n not in FIELDS[kind]}
  if is_own:
    table = {n: v for n, v in table.items() if n in FIELDS[kind]}
    arguments.pop("stored_as", None)
  for field in table:
    if field not in FIELDS[kind]:
      where = f"field of the {kind} [{name}] in {path}"
      raise errors.unknown_name(where, field, FIELDS[kind])
    if field in _RULES and not _RULES[field].holds(table[field]):
      found = f"{field} = {table[field]!r} in [{name}]"
      raise _field_error(path, found, _RULES[field].expected)
  return FolderTask(
    name=name,
    kind=kind,
    classes=_classes(name, table, path) if "classes" in FIELDS[kind] else (),
    ignore=_ignored(name, table.get("ignore", []), path),
    scale=float(table.get("scale", 1.0)),
    invalid=table.get("invalid", _DEFAULT_INVALID.get(kind)),
    channels=table.get("channels", 1),
    unit=table.get("unit", _UNITS.get(kind, "")),
    scales={field: table[field] for field in _SCALES if field in table},
    own={"task": own, **arguments} if is_own else {},
    threshold=float(table.get("threshold", 0)),
    grid=tuple(table.get("grid", ())),
    top=table.get("top", 0),
  )


def _classes(name: str, table: dict[str, Any], path: Path) -> tuple[str, ...]:
  classes = table.get("classes")
  if isinstance(classes, int) and classes > 0:
    return tuple(f"class_{i}" for i in range(classes))
  if isinstance(classes, list) and all(isinstance(c, str) for c in classes):
    return tuple(classes)
  raise _field_error(
    path,
    f"classes = {classes!r} in [{name}]",
    "the names of the classes in the order of their ids, or their number",
  )


def _ignored(name: str, ignore: Any, path: Path) -> tuple[int, ...]:
  ids = [ignore] if isinstance(ignore, int) else ignore
  if isinstance(ids, list) and all(isinstance(i, int) for i in ids):
    return tuple(ids)
  raise _field_error(
    path, f"ignore = {ignore!r} in [{name}]", "a class id or a list of them"
  )


def _field_error(path: Path, found: str, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} does not describe the tasks",
      found=found,
      expected=expected,
      do="Fix this line.",
    )
  )
