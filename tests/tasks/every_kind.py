"""A task of every kind, with labels and predictions for it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label
from jtr_jax.tasks.binary import Binary
from jtr_jax.tasks.classification import Classification
from jtr_jax.tasks.depth import Depth, InverseDepth
from jtr_jax.tasks.edges import Edges
from jtr_jax.tasks.human_parts import HumanParts
from jtr_jax.tasks.multilabel import MultiLabel
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.regression import Regression
from jtr_jax.tasks.saliency import Saliency
from jtr_jax.tasks.scalar import Scalar
from jtr_jax.tasks.segmentation import Segmentation
from jtr_jax.tasks.soft_labels import SoftLabels

TASKS = (
  Segmentation("segmentation", 4),
  HumanParts("parts", 3),
  Depth("depth"),
  InverseDepth("disparity"),
  Normals("normals"),
  Regression("reshading"),
  Regression("colour", channels=3),
  Saliency("saliency"),
  Edges("edges"),
  Classification("scene", 4),
  MultiLabel("objects", 3),
  Scalar("brightness"),
  SoftLabels("soft", 4),
  SoftLabels("tokens", 5, cells=(2, 3), top=2),
)


def shape_of(task):
  """Return the shape of a batch of masks."""
  return (3, *(task.grid or (4, 5)))


every_task = pytest.mark.parametrize("task", TASKS, ids=lambda t: t.name)


@functools.partial(jax.jit, static_argnums=0)
def loss_and_gradient(task, prediction, label):
  def total(prediction):
    loss = task.loss(prediction, label)
    return jnp.sum(loss.sum), loss

  (_, loss), gradient = jax.value_and_grad(total, has_aux=True)(prediction)
  return loss, gradient


@functools.partial(jax.jit, static_argnums=0)
def reconstruction_and_gradient(task, reconstruction, target, mask):
  def total(reconstruction):
    loss = task.reconstruction_loss(reconstruction, target, mask)
    return jnp.sum(loss.sum), loss

  (_, loss), gradient = jax.value_and_grad(total, has_aux=True)(reconstruction)
  return loss, gradient


@functools.partial(jax.jit, static_argnums=(0, 2))
def encoded_and_gradient(task, prediction, relaxation, key):
  def total(prediction):
    encoded = task.joint_prediction(prediction, relaxation=relaxation, key=key)
    return jnp.sum(jnp.square(encoded)), encoded

  (_, encoded), gradient = jax.value_and_grad(total, has_aux=True)(prediction)
  return encoded, gradient


metric_sums = jax.jit(
  lambda task, prediction, label: task.metric_sums(prediction, label),
  static_argnums=0,
)


def make_value(task, shape, random):
  """Return a random label without holes."""
  if isinstance(task, SoftLabels):
    shares = random.dirichlet(np.ones(task.num_classes), shape)
    return task.output_value(np.log(shares.astype(np.float32)))
  if isinstance(task, Segmentation):
    return random.integers(0, task.num_classes, shape).astype(np.int32)
  if isinstance(task, Binary):
    return random.integers(0, 2, (*shape, 1)).astype(np.float32)
  if isinstance(task, MultiLabel):
    return random.integers(0, 2, (*shape, task.channels)).astype(np.float32)
  return random.uniform(0.1, 1, (*shape, task.channels)).astype(np.float32)


def make_label(task, seed=0):
  random = np.random.default_rng(seed)
  shape = shape_of(task)
  value = make_value(task, shape, random)
  valid = random.random(shape) < 0.7
  if shape[1:] == (1, 1):
    valid[[0, 2]] = True  # there is no other pixel
  present = np.array([True, False, True])
  return Label(jnp.asarray(value), jnp.asarray(valid), jnp.asarray(present))


def make_prediction(task, seed=1):
  shape = (*shape_of(task), task.channels)
  raw = np.random.default_rng(seed).normal(size=shape)
  return task.activate(jnp.asarray(raw, jnp.float32))


def logits_of(task, joint):
  """Return what is activated to a joint encoding, if that is a probability."""
  if isinstance(task, Segmentation):
    return jnp.log(jnp.maximum(joint, 1e-26))
  if isinstance(task, Binary | MultiLabel):
    return 60 * (2 * joint - 1)
  return joint


def perfect_prediction(task, label):
  if isinstance(task, Segmentation | Binary | MultiLabel):
    return logits_of(task, task.joint_label(label.value))
  return task.activate(label.value)


def poisoned(label):
  """Return the label with nonsense wherever it does not count."""
  is_ids = jnp.issubdtype(label.value.dtype, jnp.integer)
  nonsense = -(2**31) if is_ids else jnp.nan
  mask = label.mask if is_ids else label.mask[..., None]
  value = jnp.where(mask, label.value, nonsense)
  return Label(value, label.valid, label.present)


def take(tree, images):
  return jax.tree.map(lambda x: x[images], tree)
