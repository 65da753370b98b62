"""Fields of settings: read from signatures, checked, and parsed from text.

The signature of a dataclass or function is the schema: a parameter with a plain
default is a field, its annotation says type, bounds, unit and source.
"""

import ast
import dataclasses
import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from typing import (
  Annotated,
  Any,
  Literal,
  NamedTuple,
  get_args,
  get_origin,
  get_type_hints,
)

from jtr_jax.config import habits
from jtr_jax.core import docstrings, errors
from jtr_jax.core.fields import (
  LARGEST_FLOAT,
  LARGEST_INT,
  Bound,
  NotEmpty,
  Source,
  Unit,
)

_SCALARS = (bool, int, float, str)
_WORDS = {bool: "true or false", int: "a whole number", str: "a text"}
_LONGEST = 1000  # elements of a tuple
_SHOWN = 120  # letters of a value in an error message
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


class Field(NamedTuple):
  """A setting: its type, default, bounds and meaning.

  Attributes:
    hint: its type, without annotations.
    default: its value unless something else is said.
    marks: annotations: bounds, unit, source.
    about: what it means, from the docstring.
  """

  hint: Any
  default: Any
  marks: tuple[Any, ...] = ()
  about: str = ""

  @property
  def unit(self) -> str:
    """The unit of its numbers, "" if they have none."""
    return next((str(m) for m in self.marks if isinstance(m, Unit)), "")

  @property
  def source(self) -> str:
    """Where the default comes from, "" if that is not said."""
    return next((str(m) for m in self.marks if isinstance(m, Source)), "")


def fields_of(*callables: Callable[..., Any]) -> dict[str, Field]:
  """Return the fields of functions or classes: parameters with plain defaults.

  A default is plain if it is a truth value, a number, a text or a tuple of
  these. An annotation that is none of their types, as in other people's
  functions, counts as the type of the default.

  Args:
    *callables: functions or classes.

  Returns:
    Name -> field, in the order of the signatures.
  """
  return {n: field for c in callables for n, field in _fields_of(c).items()}


@functools.cache  # a table of the papers asks a thousand times
def _fields_of(function: Callable[..., Any]) -> Mapping[str, Field]:
  """Return the fields of a function or class."""
  hints, about = _hints(function), docstrings.arguments(function)
  found = {}
  for name, parameter in inspect.signature(function).parameters.items():
    if _is_plain(parameter.default):
      field = _field(hints.get(name), parameter.default)
      found[name] = field._replace(about=about.get(name, ""))
  return found


def check(place: str, value: Any, field: Field) -> None:
  """Raise a `ValueError` unless a value is valid for a field.

  Args:
    place: dotted name of the field.
    value: its value.
    field: its schema.
  """
  if not _fits(value, field.hint):
    if get_origin(field.hint) is Literal and isinstance(value, str):
      raise errors.unknown_name(f"config.{place}", value, get_args(field.hint))
    raise bad_value(place, value, describe(field))
  numbers = value if isinstance(value, tuple) else (value,)
  for mark in field.marks:
    if isinstance(mark, NotEmpty) and not value:
      raise bad_value(place, value, "at least one element")
    if isinstance(mark, Bound) and not all(map(mark.holds, numbers)):
      raise bad_value(place, value, describe(field))
  if not _is_within_limits(numbers, field):
    raise bad_value(place, _short(value), f"numbers of at most {_limit(field)}")
  texts = [text for text in numbers if isinstance(text, str)]
  if any(not text.isprintable() for text in texts):
    raise bad_value(place, value, "a text without control characters")
  if len(numbers) > _LONGEST:
    raise bad_value(place, _short(value), f"at most {_LONGEST} elements")


def check_names(
  kind: str,
  found: Iterable[str],
  known: Iterable[str],
  elsewhere: Iterable[str] = (),
) -> None:
  """Raise a `ValueError` for the first name that is not known.

  Args:
    kind: what the names are of.
    found: the names.
    known: what they may be.
    elsewhere: names of other places, one of which may be meant.
  """
  names = tuple(known)
  for name in found:
    if name not in names:
      near = habits.usual_name(name, (*names, *elsewhere))
      raise errors.unknown_name(kind, name, names, near=near)


def parse_text(place: str, text: str, field: Field) -> Any:
  """Parse a text of the command line as a value of a field.

  Tuples are written as in Python; a tuple of names also as `depth+normals`.

  Args:
    place: dotted name of the field.
    text: what stands behind the equals sign.
    field: its schema.

  Raises:
    ValueError: it is no value of that type.
  """
  hint = field.hint
  is_tuple = hint is tuple or get_origin(hint) is tuple
  try:
    if hint is bool:
      return _TRUTH[text.lower()]
    if hint in (int, float):
      return hint(text)
    if is_tuple and get_args(hint)[:1] == (str,) and text[:1] not in "([":
      return tuple(filter(None, text.split("+")))
    if is_tuple:
      value = ast.literal_eval(text)
      return tuple(value) if isinstance(value, list | tuple) else (value,)
  except (ValueError, KeyError, SyntaxError, MemoryError, RecursionError):
    raise bad_value(place, _short(text), describe(field)) from None
  return text


def describe(field: Field) -> str:
  """Describe the valid values, such as "a whole number, more than 0"."""
  bounds = [str(mark) for mark in field.marks if isinstance(mark, Bound)]
  text = ", ".join([_type_in_words(field.hint), *bounds])
  return f"{text} ({field.unit})" if field.unit else text


def written(value: Any) -> str:
  """Return a value as the command line takes it."""
  return str(value).lower() if isinstance(value, bool) else str(value)


def bad_value(place: str, found: Any, expected: str) -> ValueError:
  """Return the error of a field whose value cannot be used."""
  return ValueError(
    errors.message(
      f"config.{place} cannot be used",
      found=repr(found),
      expected=expected,
      do=f"Change the config file or add --config.{place}=VALUE.",
    )
  )


def _is_within_limits(numbers: Iterable[Any], field: Field) -> bool:
  """Return whether numbers are none that a device cannot count or hold."""
  limit = _limit(field)
  return all(abs(x) <= limit for x in numbers if isinstance(x, int | float))


def _limit(field: Field) -> float:
  """Return the largest number of a field: of its bounds, or of the device."""
  highest = [m.high for m in field.marks if isinstance(m, Bound)]
  usual = LARGEST_FLOAT if _has_floats(field.hint) else LARGEST_INT
  return next((high for high in highest if high < math.inf), usual)


def _has_floats(hint: Any) -> bool:
  return hint is float or float in get_args(hint)


def _short(value: Any) -> Any:
  """Return a value, or how its text begins if that is long."""
  text = repr(value)
  return value if len(text) <= _SHOWN else Shown(text[:_SHOWN] + "...")


class Shown(str):
  """A text that is shown as it is, without quotes."""

  __slots__ = ()

  def __repr__(self) -> str:
    """Return the text itself."""
    return str(self)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
  """Return resolved annotations, none if a name in them cannot be found."""
  is_class = isinstance(function, type)
  if is_class and not dataclasses.is_dataclass(function):
    function = function.__init__
  try:
    return get_type_hints(function, include_extras=True)
  except (NameError, TypeError):
    return {}


def _field(annotation: Any, default: Any) -> Field:
  marks: tuple[Any, ...] = ()
  if get_origin(annotation) is Annotated:
    annotation, *rest = get_args(annotation)
    marks = tuple(rest)
  is_known = annotation in _SCALARS or get_origin(annotation) in (
    Literal,
    tuple,
  )
  return Field(annotation if is_known else type(default), default, marks)


def _is_plain(value: Any) -> bool:
  if isinstance(value, tuple):
    return all(map(_is_plain, value))
  return isinstance(value, _SCALARS)


def _fits(value: Any, hint: Any) -> bool:
  """Return whether a value is of a type."""
  arguments = get_args(hint)
  if get_origin(hint) is Literal:
    return value in arguments
  if get_origin(hint) is tuple:
    if not isinstance(value, tuple):
      return False
    if arguments[-1] is Ellipsis:
      arguments = arguments[:1] * len(value)
    return len(value) == len(arguments) and all(map(_fits, value, arguments))
  if hint is float:
    return _fits(value, int) or (
      isinstance(value, float) and math.isfinite(value)
    )
  return isinstance(value, hint) and (hint is bool) == isinstance(value, bool)


def _type_in_words(hint: Any) -> str:
  arguments = get_args(hint)
  if get_origin(hint) is Literal:
    return "one of " + ", ".join(map(repr, arguments))
  if hint is tuple:
    return "a tuple"
  if get_origin(hint) is tuple:
    count = "" if arguments[-1] is Ellipsis else f"{len(arguments)} "
    return f"a tuple of {count}{arguments[0].__name__}"
  return _WORDS.get(hint, "a finite number")


def defaults(known: Mapping[str, Field]) -> dict[str, Any]:
  """Return the default of every field."""
  return {name: field.default for name, field in known.items()}
