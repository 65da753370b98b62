"""jtr-jax COMMAND ...: the commands of jtr_jax under one name.

`jtr-jax train ...` is `python -m jtr_jax.main ...`, and so on; list, explain
and completion are here alone.
"""

import runpy
import sys
from collections.abc import Sequence
from typing import NamedTuple

import jtr_jax
from jtr_jax.commands import completion
from jtr_jax.core import errors, extras


class Command(NamedTuple):
  """A command that is a module.

  Attributes:
    module: below jtr_jax.
    about: what it does, in a few words.
    words: what comes before the user's own.
  """

  module: str
  about: str
  words: tuple[str, ...] = ()


COMMANDS = {
  "train": Command("main", "train a run, or resume it"),
  "evaluate": Command(
    "main", "evaluate what a run has saved", ("--mode=evaluate",)
  ),
  "predict": Command("predict", "predict for your own images"),
  "export": Command("export", "a network as a StableHLO or ONNX file"),
  "card": Command("card", "a folder for the Hugging Face hub"),
  "report": Command("report", "runs on one page, with curves and pictures"),
  "compare": Command("compare", "finished runs as a table"),
  "data": Command("data", "prepare, inspect and verify data"),
  "tables": Command("tables", "the papers' tables, and our runs of them"),
  "weights": Command("weights", "read published weights"),
  "verify": Command("verify", "recompute recorded steps"),
  "benchmark": Command("benchmark", "what a step costs"),
}
"""Name -> the module that it starts."""

_OWN = {
  "list": "name methods, balancers, networks, tasks, data or configs",
  "explain": "say what a field of a config is",
  "completion": "print the completion of a shell: bash, zsh or fish",
}


def main(words: Sequence[str] | None = None) -> int:
  """Run one command.

  Args:
    words: the command line, that of the process by default.

  Returns:
    Exit code: 0 if all is well. Commands that are modules end the process
    themselves where something is wrong.
  """
  name, *rest = sys.argv[1:] if words is None else words or [""]
  if name in ("", "help", "-h", "--help"):
    sys.stdout.write(_help())
    return 0
  if name == "--version":
    sys.stdout.write(f"jtr_jax {jtr_jax.__version__}\n")
    return 0
  try:
    if name in _OWN:
      sys.stdout.write(_own(name, rest))
      return 0
    if name not in COMMANDS:
      raise errors.unknown_name("command", name, {**COMMANDS, **_OWN})
  except ValueError as error:
    sys.stderr.write(f"{error}\n")
    return 1
  command = COMMANDS[name]
  sys.argv = [f"jtr-jax {name}", *command.words, *rest]
  runpy.run_module(
    f"jtr_jax.{command.module}", run_name="__main__", alter_sys=True
  )
  return 0


def _own(name: str, words: Sequence[str]) -> str:
  """Return what one of the commands that are here alone prints."""
  known = {"list": "KIND", "explain": "FIELD", "completion": "SHELL"}
  if len(words) != 1:
    raise ValueError(
      errors.message(
        f"jtr-jax {name} takes one word",
        found=" ".join(words) or "none",
        expected=known[name],
        do=f"For example: jtr-jax {name} {_EXAMPLES[name]}.",
      )
    )
  with extras.required("program"):
    from jtr_jax.commands import explain, listing

  if name == "list":
    return listing.listing(words[0])
  if name == "explain":
    return explain.explain(words[0])
  return completion.script(
    words[0],
    {
      "": [*COMMANDS, *_OWN],
      "list": list(listing.KINDS),
      "explain": explain.names(),
      "completion": list(completion.SHELLS),
    },
  )


_EXAMPLES = {
  "list": "methods",
  "explain": "train.batch_size",
  "completion": "bash",
}


def _help() -> str:
  texts = {name: command.about for name, command in COMMANDS.items()} | _OWN
  lines = [f"  {name:<12}{about}" for name, about in texts.items()]
  head = "jtr-jax COMMAND ...; jtr-jax COMMAND --help says more\n"
  return "\n".join([head, *lines]) + "\n"


if __name__ == "__main__":
  sys.exit(main())
