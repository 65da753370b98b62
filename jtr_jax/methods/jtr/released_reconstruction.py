"""The reconstruction loss of JTR exactly as the released code computes it.

The auto-encoder's output is read as class logits (one logistic loss for each
class), through a sigmoid, squeezed by 1 - 1e-5 around 1/2, as depth, and scaled
to unit length as a normal.
Sums run over the pixels that are valid in all labelled tasks, but are divided
by the number of non-zero elements of the target. The targets of the prediction
tensor are joint codes and pass through the depth transform a second time; the
targets of the target tensor are raw labels or raw predictions.

Source: released models/nyuv2_segnet_jtr.py, `get_recon_loss_*`, reproduced from
recorded steps. All of this is in the release only: a perfect reconstruction
does not score 0, and the scale depends on which tasks are labelled.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jtr_jax.core import numerics
from jtr_jax.core.types import Labels, Predictions
from jtr_jax.methods.jtr import joint_tensor
from jtr_jax.methods.jtr.joint_tensor import JointPair, Stacking
from jtr_jax.tasks.base import Geometry, Relaxation, Task


def reconstruction(
  tasks: tuple[Task, ...],
  stacking: Stacking,
  pair: JointPair,
  rebuilt: tuple[jax.Array, jax.Array],
  predictions: Predictions,
  labels: Labels,
  *,
  relaxation: Relaxation,
  key: jax.Array,
) -> jax.Array:
  """Return both tensors' reconstruction losses, summed over the tasks.

  Args:
    tasks: the tasks.
    stacking: how the tensors were built.
    pair: the joint tensors, detached.
    rebuilt: raw outputs of the auto-encoder for the two, f32[B, H, W, J].
    predictions: what the tensors were made of, detached.
    labels: of the same view.
    relaxation: of the segmentation targets.
    key: for their noise, drawn once more.

  Returns:
    f32[B].
  """
  codes = joint_tensor.encode_predictions(
    tasks, predictions, pair.mask, stacking, relaxation=relaxation, key=key
  )
  outputs = [joint_tensor.split_channels(tasks, output) for output in rebuilt]
  total = jnp.zeros(len(pair.mask))
  for task in tasks:
    loss, squash = _RULES[task.geometry], _squash(task)
    code = codes[task.name]
    raw = _raw_target(task, predictions[task.name], code, labels)
    total += loss(outputs[0][task.name], code, squash(code), pair.mask)
    total += loss(outputs[1][task.name], raw, squash(raw), pair.mask)
  return total


def _raw_target(
  task: Task, prediction: jax.Array, code: jax.Array, labels: Labels
) -> jax.Array:
  """Return the label, or what stands in for it, before any encoding."""
  label = labels[task.name]
  value = numerics.fill(label.value, label.mask)
  if task.geometry is Geometry.CATEGORICAL:
    value = numerics.fill(task.joint_label(value), label.mask)
    prediction = code
  return jnp.where(label.present[:, None, None, None], value, prediction)


def _squash(task: Task) -> Callable[[jax.Array], jax.Array]:
  """Return the transform that the loss of a depth applies to any target."""
  depths = (Geometry.DEPTH, Geometry.INVERSE_DEPTH)
  return task.joint_label if task.geometry in depths else lambda x: x


def _logistic(
  output: jax.Array, target: jax.Array, _: jax.Array, mask: jax.Array
) -> jax.Array:
  return _mean(jax.nn.softplus(output) - output * target, target, mask)


def _absolute(
  output: jax.Array, target: jax.Array, squashed: jax.Array, mask: jax.Array
) -> jax.Array:
  squeezed = (jax.nn.sigmoid(output) - 0.5) * (1 - 1e-5) + 0.5
  return _mean(jnp.abs(squeezed - squashed), target, mask)


def _one_minus_cosine(
  output: jax.Array, target: jax.Array, _: jax.Array, mask: jax.Array
) -> jax.Array:
  return 1 - _mean(numerics.safe_unit(output) * target, target, mask)


def _mean(values: jax.Array, target: jax.Array, mask: jax.Array) -> jax.Array:
  """Return masked sums divided by how many target elements are not zero."""
  axes = (1, 2, 3)
  total = jnp.sum(numerics.fill(values, mask), axis=axes)
  return numerics.safe_divide(
    total, jnp.sum(target != 0, axis=axes).astype(total.dtype)
  )


_RULES = {
  Geometry.CATEGORICAL: _logistic,
  Geometry.DEPTH: _absolute,
  Geometry.INVERSE_DEPTH: _absolute,
  Geometry.DENSE: _absolute,
  Geometry.NORMALS: _one_minus_cosine,
}
