"""What a run begins with: `model.weights`."""

from pathlib import Path

import jax
from absl import logging

from jtr_jax.config import trained
from jtr_jax.config.settings import ModelSettings
from jtr_jax.core import errors, rng
from jtr_jax.experiment.setup import Experiment
from jtr_jax.models.initial_weights import NO_WEIGHTS, InitialWeights
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.pretrained import fit, imported, source, weights_file
from jtr_jax.pretrained.fit import Fitted
from jtr_jax.pretrained.source import Source
from jtr_jax.workdir.checkpoints import Which

_CHECKPOINTS = "checkpoints"


def read(experiment: Experiment) -> Fitted | None:
  """Return the trained weights that a run begins with, None for none.

  They are looked at once, before a run's first step: one that resumes has its
  own, and gets None.

  Args:
    experiment: the run.

  Raises:
    ValueError: there are no such weights, or they are not those of its network.
  """
  model = experiment.settings.model
  started = experiment.workdir / _CHECKPOINTS
  if not model.weights or (started.is_dir() and any(started.iterdir())):
    return None
  size = experiment.data.manifest.size
  return fitted(experiment.net, size, model)


def fitted(
  net: MultiTaskNet, size: tuple[int, int], model: ModelSettings
) -> Fitted:
  """Return what a network takes of the weights that its settings name.

  Args:
    net: the network.
    size: (H, W) of the images, pixels.
    model: its settings.

  Raises:
    ValueError: there are no such weights, or they are of another network.
  """
  shapes = jax.eval_shape(lambda: net.init(rng.stream(0, "init"), (*size, 3)))
  found = open_source(model.weights, model.weights_step)
  taken = fit.fit(found, *shapes, ignore=model.weights_ignore)
  logging.info("Weights: %s", taken.summary())
  _warn_of_another_input(found, model)
  return taken


def given(taken: Fitted | None) -> InitialWeights:
  """Return the arrays; none if nothing is taken."""
  return NO_WEIGHTS if taken is None else taken.weights


def open_source(weights: str, step: Which) -> Source:
  """Return the trained weights of that name.

  Args:
    weights: "package", a folder of an imported network, or a run's workdir.
    step: of a run, "latest" or "best".

  Raises:
    ValueError: there are none, or they are damaged.
  """
  if weights == source.PACKAGE:
    return source.of_package()
  folder = Path(weights)
  kept = (folder / _CHECKPOINTS, folder / weights_file.NAME)
  if any(path.exists() for path in kept):
    return _of_run(folder, step)
  if (folder / imported.DESCRIPTION).is_file():
    found = source.of_published(imported.read(folder))
    return found._replace(about=f"{weights} ({found.about})")
  raise _nothing_in(folder)


def _of_run(folder: Path, which: Which) -> Source:
  """Return the network of a run: encoder and heads, averaged if it averages."""
  found = trained.restore(folder, which)
  params, state = jax.device_get((found.params, found.model_state))
  return Source(
    f"{folder}, step {found.step}",
    InitialWeights(params, state),
    str(found.settings.model.network.fields.get("input", "")),
  )


def _warn_of_another_input(found: Source, model: ModelSettings) -> None:
  own = model.network.fields.get("input", "")
  if found.input and own and found.input != own:
    logging.warning(
      "The weights %s expect images normalised as %r; model.input is %r.",
      found.about,
      found.input,
      own,
    )


def _nothing_in(folder: Path) -> ValueError:
  """Return the error for weights that are not there."""
  do = (
    "Correct model.weights, or import a file of weights: python -m "
    "jtr_jax.weights import FILE --network=NAME --out=DIR."
  )
  found = "no such folder"
  if folder.is_file():
    found = "a file"
    do = (
      f"Import it first: python -m jtr_jax.weights import {folder} "
      "--network=NAME --out=DIR, and set model.weights=DIR."
    )
  elif folder.is_dir():
    found = "neither network.json nor a run"
    inner = sorted(p.parent.name for p in folder.glob(f"*/{_CHECKPOINTS}"))
    if inner:
      found = f"the runs {', '.join(inner)}"
      do = "Name one of them."
  return ValueError(
    errors.message(
      f"There are no weights at {folder}",
      found=found,
      expected="'package', a folder with an imported network, or the workdir "
      "of a run",
      do=do,
    )
  )
