"""The few lines that describe the tasks of a folder: `tasks.toml`."""

import collections
import math
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jtr_jax.core import errors, paths
from jtr_jax.data.datasets.folder_tasks import FolderTask
from jtr_jax.data.records import stored_form

FILE_NAME = "tasks.toml"

_DEFAULT_INVALID = {"depth": 0.0, "inverse_depth": 0.0}
_UNITS = {"depth": "m", "inverse_depth": "1/m"}

_SCALES = ("joint_mean", "joint_std", "picture_range")
_DISTANCE = ("scale", "invalid", *_SCALES)
_NUMBERS = ("scale", "invalid", "channels", "unit")
FIELDS: Mapping[str, tuple[str, ...]] = {
  "segmentation": ("kind", "classes", "ignore", "colours"),
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


def _is_number(value: Any, low: float, high: float) -> bool:
  """Return whether a value is a number of an interval."""
  is_number = isinstance(value, int | float) and not isinstance(value, bool)
  return is_number and math.isfinite(value) and low <= value <= high


def _is_range(value: Any) -> bool:
  is_pair = isinstance(value, list) and len(value) == 2
  if not is_pair or not all(_is_number(end, -_MOST, _MOST) for end in value):
    return False
  return bool(value[0] < value[1])


def _is_scale(value: Any) -> bool:
  return _is_number(value, -_MOST, _MOST) and abs(value) >= _LEAST


def _is_id(value: Any) -> bool:
  return type(value) is int and abs(value) < 2**31


def _is_line(value: Any, longest: int = 100) -> bool:
  """Return whether a value is a text for one line of a table."""
  is_text = isinstance(value, str) and value.isprintable()
  return is_text and len(value) <= longest


def _is_count(value: Any) -> bool:
  return type(value) is int and 0 < value <= _MOST_CHANNELS


def _is_grid(value: Any) -> bool:
  is_pair = isinstance(value, list) and len(value) == 2
  return is_pair and all(map(_is_count, value))


_MOST, _LEAST = 1e9, 1e-9
_MOST_CHANNELS = 1024
_COUNT = _Rule(_is_count, f"a whole number from 1 to {_MOST_CHANNELS}")
_MOST_CLASSES = 10_000
_RULES: Mapping[str, _Rule] = {
  "scale": _Rule(_is_scale, "a number other than 0, at most 1e9"),
  "invalid": _Rule(lambda x: _is_number(x, -1e38, 1e38), "a finite number"),
  "channels": _COUNT,
  "threshold": _Rule(lambda x: _is_number(x, -1e38, 1e38), "a finite number"),
  "grid": _Rule(_is_grid, "[rows, columns]"),
  "top": _COUNT,
  "unit": _Rule(lambda x: _is_line(x, 20), "a text of at most 20 letters"),
  "joint_mean": _Rule(
    lambda x: _is_number(x, _LEAST, 1e6),
    "a positive number, the mean of the values as scaled",
  ),
  "joint_std": _Rule(
    lambda x: _is_number(x, _LEAST, 1e6),
    "a positive number, the standard deviation of the values as scaled",
  ),
  "picture_range": _Rule(_is_range, "[smallest, largest], the unit as scaled"),
}


def is_lacking(path: Path) -> bool:
  """Return whether there is no description yet, or an empty file for one."""
  return not path.exists() or (path.is_file() and not path.read_bytes().strip())


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
    paths.check_input(path, "The description of the tasks")
    tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
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
  stored_form.check_task_name(name, f"[{name}] in {path}")
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
  is_distance = kind in ("depth", "inverse_depth")
  if is_distance and table.get("scale", 1.0) < 0:
    found = f"scale = {table['scale']!r} in [{name}]"
    raise _field_error(path, found, "a positive number, as distances are")
  has_classes = "classes" in FIELDS[kind]
  classes = _classes(name, table, path) if has_classes else ()
  return FolderTask(
    name=name,
    kind=kind,
    classes=classes,
    colours=_colours(name, table, len(classes), path),
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
  if type(classes) is int and 2 <= classes <= _MOST_CLASSES:
    return tuple(f"class_{i}" for i in range(classes))
  if isinstance(classes, list) and 2 <= len(classes) <= _MOST_CLASSES:
    odd = [c for c in classes if not _is_line(c) or not c.strip()]
    if not odd:
      _require_once(name, "classes", classes, path)
      return tuple(classes)
    classes = odd[:3]
  raise _field_error(
    path,
    f"classes = {classes!r} in [{name}]",
    "the names of the classes in the order of their ids, each on one line, or "
    f"their number, from 2 to {_MOST_CLASSES}",
  )


def _colours(
  name: str, table: dict[str, Any], count: int, path: Path
) -> tuple[tuple[int, ...], ...]:
  """Return the colours that stand for the classes, () if ids are stored."""
  found = table.get("colours", [])
  is_byte = lambda x: type(x) is int and 0 <= x <= 255
  is_colour = lambda c: (
    isinstance(c, list) and len(c) == 3 and all(map(is_byte, c))
  )
  is_list = isinstance(found, list) and all(map(is_colour, found))
  if not is_list or (found and len(found) != count):
    raise _field_error(
      path,
      f"colours = {str(found)[:80]} in [{name}]",
      f"a colour [red, green, blue] from 0 to 255 for each of {count} classes",
    )
  _require_once(name, "colours", found, path)
  return tuple(map(tuple, found))


def _ignored(name: str, ignore: Any, path: Path) -> tuple[int, ...]:
  ids = ignore if isinstance(ignore, list) else [ignore]
  if all(map(_is_id, ids)):
    _require_once(name, "ignore", ids, path)
    return tuple(ids)
  raise _field_error(
    path, f"ignore = {ignore!r} in [{name}]", "a class id or a list of them"
  )


def _require_once(name: str, field: str, values: list[Any], path: Path) -> None:
  """Raise a `ValueError` for a list that has something twice."""
  counts = collections.Counter(map(str, values))
  twice = [value for value, count in counts.items() if count > 1]
  if twice:
    found = f"{', '.join(twice[:3])} twice in {field} of [{name}]"
    raise _field_error(path, found, "each once")


def _field_error(path: Path, found: str, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} does not describe the tasks",
      found=found,
      expected=expected,
      do="Fix this line.",
    )
  )
