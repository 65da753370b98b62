"""The flag --config, and how commands that have it run.

Exit codes: 0 is done; `hosts.STOPPED` (143) stopped by a signal and saved;
`hosts.LOST` (75) another process went away, start all again; 1 something to be
mended first.
"""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator

from absl import app, flags, logging

from jtr_jax.config import command_line, described, resolve
from jtr_jax.config.settings import Settings
from jtr_jax.core import commands, errors, hosts

_CONFIG = flags.DEFINE_string(
  "config",
  None,
  "Config file, with arguments after a colon. Each field can be set by a flag "
  "of its own: --config.SECTION.FIELD=VALUE; docs/config.md lists them.",
)
_FIELDS = flags.DEFINE_multi_string(
  "config_field", [], "The same as SECTION.FIELD=VALUE."
)

_COORDINATOR = flags.DEFINE_string(
  "coordinator",
  "",
  "HOST:PORT of process 0, where several train as one and are not found by "
  "themselves, as those of SLURM or a Cloud TPU are.",
)
_PROCESSES = flags.DEFINE_integer("processes", 0, "How many there are.")
_PROCESS = flags.DEFINE_integer("process", -1, "Number of this one, from 0.")

_HELP = ("--help", "-help", "-h", "-?", "--helpshort", "--helpfull")


def run(main: Callable[[list[str]], int | None]) -> None:
  """Run a command; what its user can change ends it with one message.

  Args:
    main: takes the words of the command line, the program first, without the
      flags; returns the exit code, None for 0.
  """

  def parse(words: list[str]) -> list[str]:
    rest: list[str] = []
    code = commands.run(lambda: rest.extend(_parse(words)))
    if code:
      sys.exit(code)
    return rest

  def guarded(words: list[str]) -> int:
    return commands.run(lambda: _logged(main, words))

  app.run(guarded, flags_parser=parse)


def join_hosts() -> None:
  """Join the other processes of the command, if there are any.

  Raises:
    ValueError: the flags do not describe them.
  """
  hosts.initialize(_COORDINATOR.value, _PROCESSES.value, _PROCESS.value)
  if not hosts.is_primary():
    logging.set_verbosity(logging.ERROR)  # process 0 says the same


def given() -> Settings:
  """Return the settings of the command line.

  Raises:
    ValueError: there is no --config, or they cannot be used.
  """
  if _CONFIG.value is None:
    raise misused(
      "There is no config",
      found=f"--config.{_FIELDS.value[0]} alone"
      if _FIELDS.value
      else "no flag",
      expected="--config=FILE.py",
      do="Write for example --config=configs/rooms_jtr.py.",
    )
  return command_line.settings(_CONFIG.value, _FIELDS.value)


def is_given() -> bool:
  """Return whether the command line has a config, or fields of one."""
  return _CONFIG.value is not None or bool(_FIELDS.value)


def name() -> str:
  """Return the path of the config file, with its arguments."""
  return str(_CONFIG.value)


def in_full() -> str:
  """Return the settings of the command line as JSON, every field."""
  return json.dumps(resolve.to_plain(given()), indent=2) + "\n"


def misused(what: str, *, found: str, expected: str, do: str) -> ValueError:
  """Return the error for a command line that makes no sense."""
  return ValueError(errors.message(what, found=found, expected=expected, do=do))


def refuse_words(argv: list[str]) -> None:
  """Raise a `ValueError` for words that are no flags."""
  if len(argv) > 1:
    raise misused(
      "The command line has words that are no flags",
      found=" ".join(argv[1:]),
      expected="flags such as --config=FILE.py",
      do="Write --FLAG=VALUE; a value with spaces needs quotes.",
    )


def _parse(words: list[str]) -> list[str]:
  if set(_HELP) & set(words):
    _show_help(full="--helpfull" in words)
  with _clear_flag_errors():
    rest: list[str] = flags.FLAGS(command_line.without_dots(words))
  return rest


@contextlib.contextmanager
def _clear_flag_errors() -> Iterator[None]:
  try:
    yield
  except flags.UnrecognizedFlagError as error:
    known = [f"--{name}" for name in flags.FLAGS]
    near = errors.nearest(f"--{error.flagname}", [*known, "--config.FIELD"])
    raise misused(
      "There is no such flag",
      found=f"--{error.flagname}",
      expected="a flag of this command, or --config.SECTION.FIELD",
      do=f"Did you mean {near}?" if near else "--help lists them.",
    ) from error
  except flags.Error as error:
    raise misused(
      "A flag cannot be used",
      found=" ".join(str(error).split()).rstrip("."),
      expected="a value of the flag's type",
      do="--help lists the flags.",
    ) from error


def _logged(main: Callable[[list[str]], int | None], words: list[str]) -> int:
  """Run a command; among others, leave without waiting for them on an error."""
  try:
    return main(words) or 0
  except Exception as error:
    logging.debug("Where it happened", exc_info=True)
    is_lost = hosts.is_lost(error)
    if hosts.is_alone() and not is_lost:
      raise
    text = hosts.lost(error) if is_lost else commands.text_of(error)
    sys.stderr.write(f"Error: {text}\n")
    code = hosts.LOST if is_lost else commands.FAILED
    if not hosts.is_alone():
      hosts.leave(code)
    return code


def _show_help(*, full: bool) -> None:
  """Print what the command does and its flags, --config first; end."""
  known, about = flags.FLAGS, sys.modules["__main__"].__doc__ or ""
  lines = [about.strip(), "", "Flags:"]
  own = [f.name for f in known.get_flags_for_module(sys.argv[0])]
  others = sorted(set(known) - {*own, "config", "config_field"})
  for flag in ["config", "config_field", *own, *(others if full else ())]:
    lines.append(f"  --{flag}: {' '.join((known[flag].help or '').split())}")
  if full:
    lines += ["", "Fields, --config.FIELD=VALUE:", described.as_text()]
  sys.stdout.write("\n".join(lines) + "\n")
  sys.exit(0)
