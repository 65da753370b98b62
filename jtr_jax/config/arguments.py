"""The arguments of a config file: what follows the colon of --config=FILE:."""

from collections.abc import Mapping
from typing import Any

from jtr_jax.config import habits
from jtr_jax.core import errors


def parse_arg(arg: str, **defaults: Any) -> dict[str, Any]:
  """Return the arguments of a config file, `key=value,key=value`.

  The first key may be left out, and `key` alone switches a truth value on. A
  tuple of names is written with plus signs, `depth+normals` (no text for no
  names), a size as 96x128.

  Args:
    arg: what follows the colon of `--config=FILE:`.
    **defaults: the keys there are, with values whose type is that of the key.

  Returns:
    The defaults with the given values put in.

  Raises:
    ValueError: an unknown or repeated key, naming the nearest, or a value of
      another type.
  """
  first = next(iter(defaults))
  given: dict[str, Any] = {}
  for position, word in enumerate(filter(None, arg.split(","))):
    key, equals, text = (part.strip() for part in word.partition("="))
    if not equals and isinstance(defaults.get(key), bool):
      text = "true"
    elif not equals and position == 0:
      key, text = first, key
    if key not in defaults:
      raise _unknown(word, given, defaults)
    if key in given:
      raise _bad_argument(key, "two values", "one")
    given[key] = _parse_value(key, text, defaults[key])
  return {**defaults, **given}


def require_choice(key: str, value: str, choices: tuple[str, ...]) -> None:
  """Raise a `ValueError`, naming the nearest, unless a value is a choice."""
  if value not in choices:
    raise errors.unknown_name(f"{key} for this config", value, choices)


def _unknown(
  word: str, given: Mapping[str, Any], defaults: Mapping[str, Any]
) -> ValueError:
  """Return the error of a word that is no argument."""
  key = word.partition("=")[0].strip()
  last = list(given)[-1] if given else ""
  if last and key == word.strip() and _is_list_of_names(defaults[last]):
    names = "+".join([*given[last], key])
    return _bad_argument(last, f"{','.join(given[last])},{key}", names)
  near = habits.usual_name(key, defaults)
  return errors.unknown_name("config argument", key, defaults, near=near)


def _is_list_of_names(default: Any) -> bool:
  """Return whether an argument is a list of names, not a size."""
  is_size = isinstance(default, tuple) and isinstance((*default, "")[0], int)
  return isinstance(default, tuple) and not is_size


def _parse_value(key: str, text: str, default: Any) -> Any:
  """Return the text as a value of the type of the default."""
  if isinstance(default, bool):
    if text not in ("true", "false"):
      raise _bad_argument(key, text, "true or false")
    return text == "true"
  if isinstance(default, tuple):
    if _is_list_of_names(default):
      return tuple(filter(None, text.split("+")))
    numbers = text.split("x")
    if len(numbers) != len(default):
      raise _bad_argument(key, text, "height and width, such as 96x128")
    return tuple(_parse_value(key, number, 0) for number in numbers)
  try:
    return type(default)(text)
  except ValueError:
    expected = f"a value such as {default!r} ({type(default).__name__})"
    raise _bad_argument(key, text, expected) from None


def _bad_argument(key: str, found: str, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      f"Bad config argument {key!r}",
      found=repr(found),
      expected=expected,
      do=f"Write it after the colon: --config=FILE:{key}=VALUE.",
    )
  )
