"""From a row of a table to the command, and the settings, that run it."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from jtr_jax.config import command_line, config_files, presets
from jtr_jax.config.settings import Settings
from jtr_jax.core import errors
from jtr_jax.tables.form import Entry

_ROOMS = {"train_count": 200, "val_count": 100}  # as configs/rooms_*.py
_BUDGETS = ("epochs", "steps")


class Request(NamedTuple):
  """How the rows of a table are to be run.

  Attributes:
    budget: "" for the published length, or "epochs=N" or "steps=N".
    data: "" for the published data, "rooms", or a prepared directory.
    flags: --config.FIELD=VALUE for all rows.
    anyway: also what lacks something that the table's file names, such as a
      network; only what has no config is left out then.
  """

  budget: str = ""
  data: str = ""
  flags: tuple[str, ...] = ()
  anyway: bool = False


AS_PUBLISHED = Request()


class Recipe(NamedTuple):
  """An ordinary run.

  Attributes:
    file: a config file, such as "configs/nyu_jtr.py".
    arguments: what follows its colon.
    flags: --config.FIELD=VALUE, each field once.
  """

  file: str
  arguments: str
  flags: tuple[str, ...]

  @property
  def name(self) -> str:
    """The config file and its arguments, as the command line has them."""
    return f"{self.file}:{self.arguments}" if self.arguments else self.file

  def command(self, workdir: str | Path) -> str:
    """Return the command that does the same."""
    words = [f"--config={self.name}", *self.flags, f"--workdir={workdir}"]
    return "python -m jtr_jax.main " + shlex.join(words)

  def settings(self) -> Settings:
    """Return the settings.

    Raises:
      ValueError: there is no such file, or its settings cannot be used.
    """
    return command_line.settings_of([f"--config={self.name}", *self.flags])


def recipe(entry: Entry, request: Request, seed: int) -> Recipe:
  """Return how a row is run.

  The seed is also that of the label split, as far as that is drawn.

  Args:
    entry: the row.
    request: budget, data and flags for all rows.
    seed: of the run.

  Raises:
    ValueError: a budget or a flag that cannot be understood.
  """
  row, group = entry.row, entry.group
  arguments = (group.arguments, row.arguments, _budget(request.budget))
  flags = (
    *group.flags,
    *row.flags,
    f"--config.data.split_seed={seed}",
    *_data_flags(request.data),
    *map(_checked, request.flags),
  )
  return Recipe(
    f"configs/{group.configs}_{row.config}.py",
    ",".join(filter(None, (*arguments, f"seed={seed}"))),
    _last_of_each(flags),
  )


def problem(entry: Entry, request: Request) -> str:
  """Return why a row cannot be run, in a few words; "" if it can.

  Whether its data is prepared on this machine is not looked at.
  """
  if entry.missing and not request.anyway:
    return entry.missing
  how = recipe(entry, request, 0)
  if not Path(config_files.find(how.file)).exists():
    return how.file
  try:
    how.settings()
  except (ValueError, OSError) as error:
    return str(error).replace("\n", " ")
  return ""


def _budget(text: str) -> str:
  name, _, number = text.partition("=")
  if text and (name not in _BUDGETS or not number.isdigit() or not int(number)):
    raise ValueError(
      errors.message(
        "The budget cannot be understood",
        found=repr(text),
        expected="epochs=N or steps=N",
        do="Write for example --budget=epochs=3.",
      )
    )
  return text


def _data_flags(data: str) -> Sequence[str]:
  """Return the flags that put other data in place of the published."""
  if not data:
    return ()
  fields: dict[str, object] = {"name": "prepared", "directory": data}
  if data == "rooms":
    height, width = presets.LAPTOP_SIZE
    directory = f"data/rooms_{height}x{width}"
    fields = {"name": "rooms", "directory": directory, **_ROOMS}
    fields["size"] = f"({height},{width})"
  return [f"--config.data.{name}={value}" for name, value in fields.items()]


def _checked(flag: str) -> str:
  if flag.startswith("--config.") and "=" in flag:
    return flag
  raise ValueError(
    errors.message(
      "An argument cannot be understood",
      found=repr(flag),
      expected="--config.FIELD=VALUE, for all rows",
      do="See python -m jtr_jax.tables run --help.",
    )
  )


def _last_of_each(flags: Iterable[str]) -> tuple[str, ...]:
  """Return the flags; of several for the same field the last one alone."""
  chosen = {flag.partition("=")[0]: flag for flag in flags}
  return tuple(chosen.values())
