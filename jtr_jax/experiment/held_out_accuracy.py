"""Accuracies for balancers that need them, measured during a run."""

import dataclasses

import jax
import numpy as np
from jax.sharding import Mesh

from jtr_jax.balancing.loss_balancer import Need
from jtr_jax.config import build
from jtr_jax.config.settings import Settings
from jtr_jax.data.label_splits.scenarios import LabelSplit
from jtr_jax.data.loading import pipeline
from jtr_jax.data.loading.order import draw_some
from jtr_jax.data.loading.selection import Selection
from jtr_jax.experiment.data_mixture import Mixture
from jtr_jax.metrics.summary import accuracies
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.train import dispatch, evaluate
from jtr_jax.train.run_parts import Update
from jtr_jax.train.state import TrainState
from jtr_jax.train.task_weighting import Balancing


def set_labels_aside(
  settings: Settings, balancing: Balancing, labels: LabelSplit
) -> tuple[LabelSplit, LabelSplit]:
  """Return the labels to train with, and those to measure accuracies on.

  Args:
    settings: `balancing.accuracy` and `balancing.held_out`.
    balancing: who asks.
    labels: what the training may see.

  Returns:
    Two splits of the same images without a label in common; the second has
    none unless accuracies are wanted and measured on training images.
  """
  wanted = Need.VALIDATION_METRICS in balancing.loss.needs
  aside = np.zeros(len(labels.ids), bool)
  if wanted and settings.balancing.accuracy == "held_out":
    share = settings.balancing.held_out
    aside = draw_some(settings.data.split_seed, len(labels.ids), share)
  rows = aside[:, None]
  return (
    dataclasses.replace(labels, labelled=labels.labelled & ~rows),
    dataclasses.replace(labels, labelled=labels.labelled & rows),
  )


def set_images_aside(
  settings: Settings, balancing: Balancing, data: Mixture
) -> tuple[Mixture, Selection | None]:
  """Return what to train on, and the images to measure accuracies on.

  Args:
    settings: see `set_labels_aside`.
    balancing: who asks.
    data: where images come from; those of the main source are set aside.

  Returns:
    The data without the labels that are set aside, and the images that these
    belong to; None if none are.
  """
  labels = data.main.labels
  if labels is None:
    return data, None
  kept, aside = set_labels_aside(settings, balancing, labels)
  if not aside.labelled.any():
    return data, None
  return data.with_labels(kept), data.with_labels(aside).main.labelled


def make_update(
  settings: Settings,
  net: MultiTaskNet,
  balancing: Balancing,
  aside: Selection | None,
  mesh: Mesh,
) -> Update | None:
  """Return the update of the balancer with accuracies, None if it needs none.

  Args:
    settings: `evaluate.batch_size`.
    net: the network.
    balancing: who asks.
    aside: images whose labels are not trained with; None: the accuracies are
      those of the evaluation.
    mesh: devices that hold the state.
  """
  if Need.VALIDATION_METRICS not in balancing.loss.needs:
    return None
  measure = None
  if aside:
    batch = dispatch.whole_shares(settings.evaluate.batch_size, mesh)
    feed = pipeline.evaluation_feed(
      aside, batch_size=batch, delivery=build.make_delivery(settings, mesh)
    )
    steps = pipeline.evaluation_steps(aside, batch)
    step = evaluate.make_evaluation_step(net, feed, mesh)
    measure = lambda state: evaluate.evaluate(
      net, step, state, feed, steps=steps
    )
  update = jax.jit(
    lambda state, values: balancing.loss.update_from_accuracies(state, values),
    out_shardings=dispatch.replicated(mesh),
  )

  def update_balancing(
    state: TrainState, metrics: dict[str, float]
  ) -> tuple[TrainState, dict[str, float]]:
    found = accuracies(net.tasks, measure(state) if measure else metrics)
    values = np.asarray(list(found.values()), np.float32)
    loss = update(state.balancing.loss, values)
    new = state.balancing._replace(loss=loss)
    row = {f"accuracy/{name}": value for name, value in found.items()}
    return dataclasses.replace(state, balancing=new), row

  return update_balancing
