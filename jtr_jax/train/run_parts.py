"""What a training run is made of."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import optax
from jax.sharding import Mesh

from jtr_jax.data.augment.views import AugmentSettings
from jtr_jax.data.loading.feed import Feed
from jtr_jax.methods.base import Method
from jtr_jax.models.initial_weights import NO_WEIGHTS, InitialWeights
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.train.averaging import NO_AVERAGE, Averaging
from jtr_jax.train.plateau import NEVER, EarlyStop
from jtr_jax.train.state import TrainState
from jtr_jax.train.task_weighting import PLAIN, Balancing

Evaluate: TypeAlias = Callable[[TrainState], dict[str, float]]
"""From a state to its "<task>/<metric>" values."""


Update: TypeAlias = Callable[
  [TrainState, dict[str, float]], tuple[TrainState, dict[str, float]]
]
"""(state, its metrics) -> (state that has taken note of them, a row for the
log), after each evaluation."""


class Schedule(NamedTuple):
  """When what happens, in steps; all but `total` are multiples of `dispatch`.

  Attributes:
    total: steps of the whole run.
    log: between two rows of training losses.
    evaluate: between two evaluations; the last step has one in any case.
    save: between two checkpoints; every evaluated step has one in any case.
    dispatch: steps in one call of the device.
    steps_per_epoch: after which every image of the data was seen once.
  """

  total: int
  log: int
  evaluate: int
  save: int
  dispatch: int
  steps_per_epoch: Fraction

  def steps_at(self, step: int) -> int:
    """Return how many steps follow `step` in one call of the device.

    Fewer than `dispatch` at the end of a run, and where one goes on that ended
    between two multiples.
    """
    return min(self.dispatch - step % self.dispatch, self.total - step)


class Run(NamedTuple):
  """Everything a training run is made of.

  Attributes:
    net: the network.
    method: how losses are made.
    optimizer: how gradients become updates.
    augment: how views are drawn.
    feed: gives training batches.
    sample_ids: of the training split.
    size: (H, W) of the images.
    batch_size: images in a batch.
    seed: of initialisation, order and augmentation.
    mesh: devices.
    schedule: when what happens.
    evaluate: state -> "<task>/<metric>", with the gains over a baseline if
      there is one; draws pictures too.
    eval_split: name of the split that it evaluates.
    balancing: how losses and gradients are balanced.
    averaging: how parameters are averaged for evaluation.
    updates: name in the log -> what takes note of an evaluation, such as a
      balancer that needs accuracies.
    early_stop: when evaluations that get no better end the run.
    initial: trained weights to start from.
  """

  net: MultiTaskNet
  method: Method
  optimizer: optax.GradientTransformation
  augment: AugmentSettings
  feed: Feed
  sample_ids: Sequence[str]
  size: tuple[int, int]
  batch_size: int
  seed: int
  mesh: Mesh
  schedule: Schedule
  evaluate: Evaluate
  eval_split: str
  balancing: Balancing = PLAIN
  averaging: Averaging = NO_AVERAGE
  updates: Mapping[str, Update] = MappingProxyType({})
  early_stop: EarlyStop = NEVER
  initial: InitialWeights = NO_WEIGHTS
