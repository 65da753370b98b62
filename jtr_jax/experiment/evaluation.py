"""How the states of a run are evaluated: metrics, gains and pictures."""

from typing import NamedTuple

import jax
from jax.sharding import Mesh

from jtr_jax.config import build
from jtr_jax.core import hosts
from jtr_jax.data.loading import pipeline
from jtr_jax.data.loading.examples import Examples
from jtr_jax.data.loading.feed import Feed
from jtr_jax.data.loading.selection import Selection, spread
from jtr_jax.experiment.setup import Experiment
from jtr_jax.metrics import delta
from jtr_jax.metrics.baseline import Baseline, read_baseline
from jtr_jax.train import (
  diagnosis,
  dispatch,
  evaluate,
  memory,
  prediction_pictures,
)
from jtr_jax.train.run_parts import Evaluate, Update
from jtr_jax.train.state import TrainState


class Evaluation(NamedTuple):
  """How a state is evaluated.

  Attributes:
    split: name of the split.
    feed: gives its images once.
    steps: batches of it.
    mesh: devices that share a batch.
    baseline: what gains are measured against, or None.
    metrics: what Delta_MTL and Acc_MTL are made of, see `EvaluateSettings`.
    draw: draws pictures of a state.
  """

  split: str
  feed: Feed
  steps: int
  mesh: Mesh
  baseline: Baseline | None
  metrics: tuple[str, ...]
  draw: prediction_pictures.Draw


def make_evaluation(experiment: Experiment, mesh: Mesh) -> Evaluation:
  """Return how states of the experiment are evaluated.

  Args:
    experiment: the experiment.
    mesh: devices that hold the state and share a batch, which is made larger
      until they can.
  """
  settings, images = experiment.settings, experiment.data.evaluated
  batch = dispatch.whole_shares(settings.evaluate.batch_size, mesh)
  baseline = settings.evaluate.baseline
  size, device = images.image_shape[:2], mesh.local_devices[0]
  share = batch // mesh.size
  memory.require_batch(share, size, device, "evaluate.batch_size")
  return Evaluation(
    split=images.split,
    feed=pipeline.evaluation_feed(
      images, batch_size=batch, delivery=build.make_delivery(settings, mesh)
    ),
    steps=pipeline.evaluation_steps(images, batch),
    mesh=mesh,
    baseline=read_baseline(baseline) if baseline else None,
    metrics=experiment.chosen_metrics,
    draw=_make_draw(experiment),
  )


def make_evaluate(experiment: Experiment, evaluation: Evaluation) -> Evaluate:
  """Return the function from a state to its metrics, gains and pictures."""
  net, tasks = experiment.net, experiment.tasks
  step = evaluate.make_evaluation_step(net, evaluation.feed, evaluation.mesh)

  def run(state: TrainState) -> dict[str, float]:
    evaluation.draw(state)
    metrics = evaluate.evaluate(
      net, step, state, evaluation.feed, steps=evaluation.steps
    )
    return metrics | delta.summaries(
      metrics, tasks, evaluation.baseline, evaluation.metrics
    )

  return run


def make_diagnosis(experiment: Experiment) -> Update | None:
  """Return what adds a row of diagnosis after each evaluation, if anything."""
  count = experiment.settings.evaluate.diagnosed
  if not count:
    return None
  images = _first_images(experiment.training.selection, count)
  return diagnosis.make_update(experiment.net, experiment.method, images)


def _make_draw(experiment: Experiment) -> prediction_pictures.Draw:
  """Return the function that draws some images, if any are wanted."""
  count = experiment.settings.evaluate.pictures
  if not count or not hosts.is_primary():
    return lambda state: None
  return prediction_pictures.make_draw(
    experiment.net,
    experiment.method,
    experiment.workdir / prediction_pictures.FOLDER,
    evaluated=_some_images(experiment.data.evaluated, count),
    trained=_some_images(experiment.training.selection, count),
  )


def _some_images(selection: Selection, count: int) -> Examples:
  """Return at most so many images, spread over a selection."""
  return _first_images(spread(selection, count), count)


def _first_images(selection: Selection, count: int) -> Examples:
  """Return the first images of a selection, at most so many."""
  examples, real = next(pipeline.evaluation_batches(selection, count))
  return jax.tree.map(lambda x: x[:real], examples)
