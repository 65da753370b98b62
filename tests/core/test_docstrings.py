import dataclasses

from jtr_jax.core import docstrings


@dataclasses.dataclass
class Base:
  """A base.

  Attributes:
    first: the first one
      of two.
    second: 3 by default.

  Source: nothing.
  """

  first: int
  second: int = 3


@dataclasses.dataclass
class Derived(Base):
  """Another.

  Attributes:
    second: 4 here.
  """

  second: int = 4


def function(one, two):
  """Do it.

  Args:
    one: as in `Base`: with a colon.
    two: no unit

  Returns:
    nothing: at all.
  """


def test_entries_of_functions_and_classes():
  assert docstrings.arguments(function) == {
    "one": "as in `Base`: with a colon",
    "two": "no unit",
  }
  assert docstrings.arguments(Derived) == {
    "first": "the first one of two",
    "second": "4 here",
  }


def test_nothing_is_said():
  assert docstrings.arguments(lambda x: x) == {}
