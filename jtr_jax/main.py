"""Train or evaluate: python -m jtr_jax.main --config=FILE.py --workdir=DIR.

The same command goes on where an interrupted run stopped. `--mode=evaluate`
needs nothing but the workdir.
"""

import sys
from pathlib import Path

from absl import app, flags, logging
from ml_collections import ConfigDict

from jtr_jax import config_check, config_flag, config_lib, experiment, results
from jtr_jax.train import loop, workdir
from jtr_jax.train.checkpoint import Which
from jtr_jax.train.compilation import enable_compilation_cache
from jtr_jax.train.dispatch import make_mesh

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
  "allow_config_change", False, "Go on in a workdir of another config."
)


def main(argv: list[str]) -> None:
  """Run what the flags say."""
  if len(argv) > 1:
    raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
  if not flags.FLAGS["verbosity"].present:
    logging.set_verbosity(logging.WARNING)
  enable_compilation_cache()
  folder = Path(_WORKDIR.value)
  if _MODE.value == "evaluate":
    evaluate(folder, which="latest" if _LATEST.value else "best")
    return
  train(
    config_flag.given(),
    folder,
    name=config_flag.name(),
    allow_config_change=_ALLOW.value,
  )


def train(
  config: ConfigDict,
  folder: Path,
  *,
  name: str = "",
  allow_config_change: bool = False,
) -> None:
  """Train to the end and write the result card.

  Args:
    config: the config.
    folder: the workdir; a run that is there goes on.
    name: of the config, for the card.
    allow_config_change: go on even if the workdir has another config.
  """
  config_check.validate(config)
  workdir.open_workdir(
    folder,
    config.to_dict(),
    may_grow=("train.steps", "train.epochs"),
    allow_config_change=allow_config_change,
  )
  made = experiment.make_experiment(config, folder)
  mesh = make_mesh(config.train.batch_size)
  evaluation = experiment.make_evaluation(made, mesh)
  run = experiment.make_run(made, evaluation, mesh)
  with experiment.open_checkpoints(made) as checkpoints:
    state = loop.train(run, checkpoints, folder)
    if int(state.step) < run.schedule.total:
      return
    results.write_card(made, evaluation, checkpoints, name=name)
  sys.stdout.write((folder / results.CARD).read_text())


def evaluate(folder: Path, *, which: Which) -> None:
  """Evaluate a checkpoint of a workdir, and draw its pictures.

  Args:
    folder: the workdir.
    which: "best" or "latest".
  """
  config = config_lib.from_plain(workdir.read_config(folder))
  made = experiment.make_experiment(config, folder)
  evaluation = experiment.make_evaluation(made)
  with experiment.open_checkpoints(made, read_only=True) as checkpoints:
    restored = checkpoints.restore(which, experiment.abstract_state(made))
  metrics = experiment.make_judge(made, evaluation)(restored.state)
  results.write_evaluation(folder, restored.step, evaluation.split, metrics)


if __name__ == "__main__":
  config_flag.run(main)
