"""Train or evaluate: python -m jtr_jax.main --config=FILE.py --workdir=DIR.

The same command resumes a run that was interrupted. `--mode=evaluate` needs
nothing but the workdir. Several processes train as one where each is started
with this command: launch/README.md. `--print_config` shows every field
and does nothing.
"""

import sys
from pathlib import Path

from jtr_jax.core import extras

with extras.required("program"):
  from absl import flags, logging

  from jtr_jax.config import flag, saved
  from jtr_jax.config.settings import Settings
  from jtr_jax.core import hosts, paths
  from jtr_jax.experiment import kinds, results
  from jtr_jax.train.compilation import enable_compilation_cache

_WORKDIR = flags.DEFINE_string("workdir", None, "Where the run's files go.")
_MODE = flags.DEFINE_enum("mode", "train", ["train", "evaluate"], "What to do.")
_LATEST = flags.DEFINE_bool(
  "latest",
  False,
  "Let --mode=evaluate take the latest checkpoint, not the best.",
)
_ALLOW = flags.DEFINE_bool(
  "allow_config_change", False, "Continue although the config differs."
)
_PRINT = flags.DEFINE_bool(
  "print_config", False, "Print every field of the config, and do nothing else."
)


def main(argv: list[str]) -> None:
  """Run what the flags say."""
  flag.refuse_words(argv)
  if not flags.FLAGS["verbosity"].present:
    logging.set_verbosity(logging.WARNING)
  if _PRINT.value:
    sys.stdout.write(flag.in_full())
    return
  folder = _folder()
  enable_compilation_cache()
  flag.join_hosts()
  if _MODE.value == "evaluate":
    _refuse_change(folder)
    kinds.evaluate(folder, which="latest" if _LATEST.value else "best")
    return
  if _LATEST.value:
    raise flag.misused(
      "--latest chooses a checkpoint to evaluate",
      found="--latest with --mode=train",
      expected="--mode=evaluate",
      do="Add --mode=evaluate, or leave --latest out; training always resumes "
      "from the latest.",
    )
  is_over = train(
    flag.given(),
    folder,
    name=flag.name(),
    allow_config_change=_ALLOW.value,
  )
  if not is_over:
    sys.exit(hosts.STOPPED)


def train(
  settings: Settings,
  folder: Path,
  *,
  name: str = "",
  allow_config_change: bool = False,
) -> bool:
  """Train to the end and write the result card.

  Args:
    settings: of a run, or of an experiment of several.
    folder: the workdir; what is there resumes.
    name: of the config, for the card.
    allow_config_change: continue even if the workdir has another config.

  Returns:
    False if a signal stopped it: the same call resumes it.
  """
  options = kinds.Options(name, allow_config_change)
  is_over = kinds.train(settings, folder, options)
  if is_over and hosts.is_primary():
    sys.stdout.write((folder / results.CARD).read_text())
  return is_over


def _folder() -> Path:
  """Return the workdir of the command line."""
  if _WORKDIR.value is None:
    raise flag.misused(
      "There is no workdir",
      found="no --workdir",
      expected="the folder for the files of this run",
      do="Write for example --workdir=runs/first.",
    )
  return paths.workdir(_WORKDIR.value, "--workdir")


def _refuse_change(folder: Path) -> None:
  """Raise a `ValueError` for flags that an evaluation cannot honour."""
  if _ALLOW.value:
    raise flag.misused(
      "An evaluation changes no config",
      found="--allow_config_change with --mode=evaluate",
      expected="the config that the workdir has",
      do="Leave the flag out.",
    )
  if flag.is_given():
    saved.require_same(folder, flag.given())


if __name__ == "__main__":
  flag.run(main)
