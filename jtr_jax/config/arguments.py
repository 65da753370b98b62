"""The arguments of a config file: what follows the colon of --config=FILE:."""

from typing import Any

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
  first, given = next(iter(defaults)), {}
  for position, word in enumerate(filter(None, arg.split(","))):
    key, equals, text = (part.strip() for part in word.partition("="))
    if not equals and isinstance(defaults.get(key), bool):
      text = "true"
    elif not equals and position == 0:
      key, text = first, key
    if key not in defaults:
      raise errors.unknown_name("config argument", key, defaults)
    if key in given:
      raise _bad_argument(key, "two values", "one")
    given[key] = _parse_value(key, text, defaults[key])
  return {**defaults, **given}


def _parse_value(key: str, text: str, default: Any) -> Any:
  """Return the text as a value of the type of the default."""
  if isinstance(default, bool):
    if text not in ("true", "false"):
      raise _bad_argument(key, text, "true or false")
    return text == "true"
  if isinstance(default, tuple):
    is_size = bool(default) and isinstance(default[0], int)
    if not is_size:
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
