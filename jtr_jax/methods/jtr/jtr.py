"""JTR: Joint-Task Regularization for partially labelled multi-task learning.

An auto-encoder g = g2 . g1 learns a joint-task space from stacks of all tasks'
predictions and labels. In that space the stack of predictions Y^ is pulled
towards the target stack Y, where labels replace the predictions they exist for.
The cost grows linearly in the number of tasks.

Source: Nishi et al., CVPR 2024, Eq. (4) to (6); released code/train_nyuv2.py
and models/nyuv2_segnet_jtr.py. The differences between the two are the fields
of `JtrSettings`.
"""

import dataclasses

import jax
import jax.numpy as jnp

from jtr_jax.core import errors, rng
from jtr_jax.core.types import Labels, Predictions
from jtr_jax.methods.base import (
  Diagnosis,
  Method,
  MethodInput,
  MethodOutput,
  PictureColumn,
  Pictures,
  Tree,
)
from jtr_jax.methods.jtr import (
  diagnosis,
  joint_space,
  joint_tensor,
  released_reconstruction,
)
from jtr_jax.methods.jtr.joint_pair import joint_pair
from jtr_jax.methods.jtr.joint_tensor import JointPair
from jtr_jax.methods.jtr.settings import PAPER, JtrSettings
from jtr_jax.methods.supervised import supervised_losses, view
from jtr_jax.models.multitask import AutoEncoder
from jtr_jax.tasks.base import Relaxation, Task


def jtr(
  tasks: tuple[Task, ...],
  autoencoder: AutoEncoder,
  settings: JtrSettings = PAPER,
) -> Method:
  """Return Joint-Task Regularization.

  The objective is L_SL + c_dist D(g1(Y^), g1(Y))
  + c_recon (R(g(<Y^>), <Y^>) + R(g(<Y>), <Y>)), averaged over images, where
  <.> stops the gradient.

  Args:
    tasks: the tasks, in the order of the stack.
    autoencoder: g, for the sum of the tasks' joint channels.
    settings: `PAPER`, `RELEASED`, or a variation of either.

  Returns:
    A method whose parameters are those of the auto-encoder.

  Raises:
    ValueError: if the auto-encoder has another number of channels, or no task
      is a map of pixels.

  Source: JTR paper, Eq. (4)-(6); c_dist 4 and c_recon 2 from Sec. 6.2.
  Deviations: the whole batch at once. The paper does not say over what batch
    norm averages in g; the released code calls g on one image at a time, hence
    `SegNet(statistics="image")`.
  """
  channels = sum(task.joint_channels for task in tasks)
  if autoencoder.head.channels != channels:
    raise ValueError(
      errors.message(
        "The joint-task auto-encoder does not fit the tasks",
        found=f"{autoencoder.head.channels} output channels",
        expected=f"{channels}, the sum of the tasks' joint channels",
        do="Build the auto-encoder for these tasks.",
      )
    )
  released = settings.reconstruction == "released"
  joint_tensor.require_maps(tasks, all_of_them=released)
  if released:
    joint_tensor.require_single_classes(tasks)
  regularizer = _Jtr(tasks, autoencoder, settings)
  return Method(
    settings.views,
    regularizer.init,
    regularizer.losses,
    regularizer.pictures,
    diagnose=regularizer.diagnose,
  )


@dataclasses.dataclass(frozen=True)
class _Jtr:
  """The pure functions of the method and their static inputs."""

  tasks: tuple[Task, ...]
  autoencoder: AutoEncoder
  settings: JtrSettings

  def init(self, key: jax.Array, size: tuple[int, int]) -> tuple[Tree, Tree]:
    """Return the auto-encoder's parameters and state."""
    return self.autoencoder.init(key, (*size, self.autoencoder.head.channels))

  def losses(
    self, params: Tree, state: Tree, inputs: MethodInput
  ) -> MethodOutput:
    """Return supervised losses and the terms of Eq. (5)."""
    settings = self.settings
    predictions, labels = inputs.predictions, inputs.labels
    supervised = supervised_losses(
      self.tasks,
      view(predictions, 0),
      view(labels, 0),
      label_weighting=settings.label_weighting,
    )
    pair = self._model_pair(predictions, labels, inputs.key)
    frozen = settings.distance_trains == "model"
    guide = jax.lax.stop_gradient(params) if frozen else params
    points, _, _ = joint_space.encode_pair(self.autoencoder, guide, state, pair)
    if settings.detach_target_code:
      points = (points[0], jax.lax.stop_gradient(points[1]))
    terms = {
      "jtr_distance": settings.dist_factor(inputs.step)
      * joint_space.distance(
        points, settings.distance, centred=settings.centred_codes
      )
    }
    own_terms, new_state = self._autoencoder_terms(
      params, state, predictions, labels, inputs.key
    )
    return MethodOutput(supervised, terms | own_terms, new_state)

  def pictures(
    self, params: Tree, state: Tree, inputs: MethodInput
  ) -> Pictures:
    """Return both joint tensors of view 0 and their reconstructions."""
    pair = self._stack(
      inputs.predictions,
      inputs.labels,
      0,
      self.settings.relaxation,
      _view_key(inputs.key, 0),
    )
    _, rebuilt, _ = joint_space.encode_pair(
      self.autoencoder, params, state, pair
    )
    columns = (
      ("prediction", pair.prediction),
      ("reconstructed", rebuilt[0]),
      ("target", pair.target),
      ("reconstructed", rebuilt[1]),
    )
    return {
      "reconstructions": tuple(
        PictureColumn(joint_tensor.split_channels(self.tasks, tensor), caption)
        for caption, tensor in columns
      )
    }

  def diagnose(
    self, params: Tree, state: Tree, inputs: MethodInput
  ) -> Diagnosis:
    """Return whether the joint space tells tensors apart."""
    settings, labels = self.settings, view(inputs.labels, 0)
    pair = self._stack(
      inputs.predictions,
      inputs.labels,
      0,
      settings.relaxation,
      _view_key(inputs.key, 0),
    )
    numbers = diagnosis.measure(
      self.tasks, self.autoencoder, settings, params, state, pair
    )
    losses = supervised_losses(
      self.tasks,
      view(inputs.predictions, 0),
      labels,
      label_weighting=settings.label_weighting,
    )
    return Diagnosis(
      numbers,
      regularizer=settings.dist_factor(inputs.step) * numbers["distance"],
      tasks=jnp.mean(sum(loss.sum for loss in losses.values())),
    )

  def _model_pair(
    self, predictions: Predictions, labels: Labels, key: jax.Array
  ) -> JointPair:
    """Return the tensors whose distance trains the model."""
    settings = self.settings
    index = 1 if settings.separate_views else 0
    draw = _view_key(key, index)
    pair = self._stack(predictions, labels, index, settings.relaxation, draw)
    if settings.unlabelled == "none":
      return pair
    last = len(settings.views) - 1
    if settings.independent_draws:
      draw = _view_key(key, last)
    other = self._stack(predictions, labels, last, settings.relaxation, draw)
    return joint_tensor.compare_colourings(pair, other, view(labels, index))

  def _autoencoder_terms(
    self,
    params: Tree,
    state: Tree,
    predictions: Predictions,
    labels: Labels,
    key: jax.Array,
  ) -> tuple[dict[str, jax.Array], Tree]:
    """Return the terms that train the auto-encoder alone, and its state."""
    settings = self.settings
    index = 2 if settings.separate_views else 0
    relaxation = (
      settings.autoencoder_relaxation
      if settings.separate_views
      else settings.relaxation
    )
    predictions = jax.lax.stop_gradient(predictions)
    pair = self._stack(
      predictions, labels, index, relaxation, _view_key(key, index)
    )
    points, rebuilt, new_state = joint_space.encode_pair(
      self.autoencoder, params, state, pair
    )
    terms = {}
    if settings.separate_views:
      distance = joint_space.distance(
        points, settings.distance, centred=settings.centred_codes
      )
      terms["jtr_autoencoder_distance"] = (
        settings.autoencoder_dist_weight * distance
      )
    if settings.recon_weight:
      loss = _reconstruction(
        self.tasks,
        settings,
        pair,
        rebuilt,
        view(predictions, index),
        view(labels, index),
        rng.stream(key, "reconstruction"),
      )
      terms["jtr_reconstruction"] = settings.recon_weight * loss
    spread = joint_space.spread_terms(
      points, settings.variance_weight, settings.covariance_weight
    )
    return terms | spread, new_state

  def _stack(
    self,
    predictions: Predictions,
    labels: Labels,
    index: int,
    relaxation: Relaxation,
    key: jax.Array,
  ) -> JointPair:
    """Return both joint tensors of a view."""
    return joint_pair(
      self.tasks,
      self.settings,
      view(predictions, index),
      view(labels, index),
      relaxation,
      key,
    )


def _view_key(key: jax.Array, index: int) -> jax.Array:
  return rng.stream(key, "view", index)


def _reconstruction(
  tasks: tuple[Task, ...],
  settings: JtrSettings,
  pair: JointPair,
  rebuilt: tuple[jax.Array, jax.Array],
  predictions: Predictions,
  labels: Labels,
  key: jax.Array,
) -> jax.Array:
  """Return f32[B], both tensors' reconstruction losses, summed over tasks."""
  if settings.reconstruction == "released":
    return released_reconstruction.reconstruction(
      tasks,
      settings.stacking,
      pair,
      rebuilt,
      predictions,
      labels,
      relaxation=settings.relaxation,
      key=key,
    )
  return joint_space.reconstruction(tasks, pair, rebuilt)
