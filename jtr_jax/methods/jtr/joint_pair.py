"""The two joint tensors of a view: what was predicted, and what is known."""

import jax

from jtr_jax.core import rng
from jtr_jax.core.types import Labels, Predictions
from jtr_jax.methods.jtr import joint_tensor
from jtr_jax.methods.jtr.joint_tensor import JointPair
from jtr_jax.methods.jtr.settings import JtrSettings
from jtr_jax.tasks.base import Relaxation, Task


def joint_pair(
  tasks: tuple[Task, ...],
  settings: JtrSettings,
  predictions: Predictions,
  labels: Labels,
  relaxation: Relaxation,
  key: jax.Array,
) -> JointPair:
  """Return both joint tensors of a view.

  Args:
    tasks: the tasks, in the order of the stack.
    settings: of the method.
    predictions: for each task f32[B, H, W, C].
    labels: of the same view.
    relaxation: of the prediction tensor's class scores.
    key: of the random draws.
  """
  stacking = settings.stacking
  mask = joint_tensor.common_mask(tasks, labels)

  def encode(
    predictions: Predictions, relaxation: Relaxation, draw: str
  ) -> Predictions:
    return joint_tensor.encode_predictions(
      tasks,
      predictions,
      mask,
      stacking,
      relaxation=relaxation,
      key=rng.stream(key, draw),
    )

  own = settings.independent_draws
  noisy = stand_in = encode(predictions, relaxation, "prediction")
  if own or any(task.has_sets for task in tasks):
    stand_in = encode(
      joint_tensor.restricted(tasks, predictions, labels),
      settings.relaxation if own else relaxation,
      "target" if own else "prediction",
    )
  return JointPair(
    joint_tensor.prediction_tensor(tasks, noisy, labels, stacking),
    joint_tensor.target_tensor(tasks, stand_in, labels, mask, stacking),
    mask,
  )
