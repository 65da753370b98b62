"""Train or evaluate: python -m jtr_jax.main --config=FILE.py --workdir=DIR.

The same command resumes a run that was interrupted. `--mode=evaluate` needs
nothing but the workdir. Several processes train as one where each is started
with this command: launch/README.md.
"""

import sys
from pathlib import Path

from jtr_jax.core import extras

with extras.required("program"):
  from absl import app, flags, logging

  from jtr_jax.config import flag
  from jtr_jax.config.settings import Settings
  from jtr_jax.core import hosts, places
  from jtr_jax.experiment import kinds, results
  from jtr_jax.train.compilation import enable_compilation_cache

_WORKDIR = flags.DEFINE_string(
  "workdir", None, "Where the run's files go.", required=True
)
_MODE = flags.DEFINE_enum("mode", "train", ["train", "evaluate"], "What to do.")
_LATEST = flags.DEFINE_bool(
  "latest",
  False,
  "Let --mode=evaluate take the latest checkpoint, not the best.",
)
_ALLOW = flags.DEFINE_bool(
  "allow_config_change", False, "Continue although the config differs."
)


def main(argv: list[str]) -> None:
  """Run what the flags say."""
  if len(argv) > 1:
    raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
  if not flags.FLAGS["verbosity"].present:
    logging.set_verbosity(logging.WARNING)
  enable_compilation_cache()
  flag.join_hosts()
  folder = places.place(_WORKDIR.value)
  if _MODE.value == "evaluate":
    kinds.evaluate(folder, which="latest" if _LATEST.value else "best")
    return
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


if __name__ == "__main__":
  flag.run(main)
