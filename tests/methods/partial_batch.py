"""A small partially labelled batch, and what methods make of it."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core.types import Label
from jtr_jax.methods.base import MethodInput, MethodOutput
from jtr_jax.methods.jtr.jtr import jtr
from jtr_jax.models import segnet
from jtr_jax.models.multitask import AutoEncoder
from jtr_jax.models.segnet import Head, SegNet
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.segmentation import Segmentation

CLASSES = 3
TASKS = (
  Segmentation("segmentation", CLASSES),
  Depth("depth"),
  Normals("normals"),
)
SIZE = (8, 8)
VIEWS = 4  # as many as any method wants

# One image with one label, one with two, one with none, one with all.
PRESENT = np.array(
  [[True, False, False], [False, True, True], [False] * 3, [True] * 3]
)
ONE, TWO, NONE, ALL = range(4)
KEY = jax.random.key(7)


def make_labels(present=PRESENT, tasks=TASKS, seed=0):
  """Return labels [V, B, ...] with holes; `present` is bool[B, task]."""
  random = np.random.default_rng(seed)
  shape = (VIEWS, len(present), *SIZE)
  columns = {task.name: column for column, task in enumerate(TASKS)}
  labels = {}
  for task in TASKS:
    if task.kind == "segmentation":
      value = random.integers(0, CLASSES, shape).astype(np.int32)
    else:
      value = random.normal(1, 1, (*shape, task.channels)).astype(np.float32)
    valid = random.random(shape) < 0.8
    here = np.broadcast_to(present[:, columns[task.name]], shape[:2])
    labels[task.name] = Label(*map(jnp.asarray, (value, valid, here)))
  return {task.name: labels[task.name] for task in tasks}


def make_predictions(tasks=TASKS, seed=1):
  """Return activated predictions [V, B, H, W, C]."""
  random = np.random.default_rng(seed)
  raw = {
    task.name: random.normal(
      size=(VIEWS, len(PRESENT), *SIZE, task.channels)
    ).astype(np.float32)
    for task in TASKS
  }
  return {
    task.name: task.activate(jnp.asarray(raw[task.name])) for task in tasks
  }


def perfect_predictions(labels):
  """Return predictions that agree with the labels, valid or not."""
  ids = labels["segmentation"].value
  return {
    "segmentation": 20 * jax.nn.one_hot(ids, CLASSES),
    "depth": labels["depth"].value,
    "normals": TASKS[2].activate(labels["normals"].value),
  }


def make_features(seed=3):
  """Return random features [V, B, ...] of a trunk of one stage."""
  random = np.random.default_rng(seed)
  images = (VIEWS, len(PRESENT))
  shapes = (*images, *(side // 2 for side in SIZE), 4), (*images, *SIZE, 4)
  maps = [jnp.asarray(random.normal(size=s), jnp.float32) for s in shapes]
  return segnet.features(*maps, SIZE, 1)


def make_input(predictions, labels, key=KEY, features=None, step=0):
  """Return what a method sees."""
  features = make_features() if features is None else features
  return MethodInput(predictions, features, labels, jnp.int32(step), key)


def make_autoencoder(tasks=TASKS, dtype=jnp.float32):
  channels = sum(task.joint_channels for task in tasks)
  trunk = SegNet((4,), statistics="image", dtype=dtype)
  return AutoEncoder(trunk, Head(channels, dtype))


def make_variables(autoencoder, seed=2):
  """Return random (params, state) of the auto-encoder without running it."""
  shape = (*SIZE, autoencoder.head.channels)
  return draw_variables(lambda key: autoencoder.init(key, shape), seed)


def draw_variables(init, seed=2):
  """Return random variables of the form that an initialiser gives them."""
  trees = jax.eval_shape(init, jax.random.key(0))
  random = np.random.default_rng(seed)

  def draw(path, leaf):
    one = path[-1].key in ("scale", "var", "gamma")
    values = 0.3 * random.normal(size=leaf.shape) + one
    return jnp.asarray(np.maximum(values, 0.1) if one else values, leaf.dtype)

  return jax.tree.map_with_path(draw, trees)


class Report(NamedTuple):
  """What a method says about a batch.

  Attributes:
    output: its losses, per image.
    gradients: term -> (by the method's parameters, by the predictions), of the
      term summed over the images. "supervised" holds all tasks.
  """

  output: MethodOutput
  gradients: dict[str, Any]


def differentiator(method):
  """Return a jitted (params, state, predictions, labels) -> Report."""

  def terms(params, predictions, state, labels):
    output = method.losses(params, state, make_input(predictions, labels))
    supervised = sum(jnp.sum(loss.sum) for loss in output.task_losses.values())
    sums = {name: jnp.sum(term) for name, term in output.regularizers.items()}
    return {"supervised": supervised, **sums}, output

  @jax.jit
  def report(params, state, predictions, labels):
    differentiate = jax.jacrev(terms, argnums=(0, 1), has_aux=True)
    gradients, output = differentiate(params, predictions, state, labels)
    return Report(output, gradients)

  return report


class JointViews(NamedTuple):
  """What JTR draws: both joint tensors, and their reconstructions."""

  prediction: Any
  prediction_reconstruction: Any
  target: Any
  target_reconstruction: Any


def joint_views(method, params, state, inputs):
  """Return the joint tensors f32[B, H, W, J] that the method draws."""
  (columns,) = method.pictures(params, state, inputs).values()
  stacks = (
    jnp.concatenate([column.codes[task.name] for task in TASKS], axis=-1)
    for column in columns
  )
  return JointViews(*stacks)


@functools.cache
def make_method(settings, tasks=TASKS):
  return jtr(tasks, make_autoencoder(tasks), settings)


def losses(settings, predictions, labels):
  """Return the output of JTR; not jitted, so that settings share programs."""
  variables = make_variables(make_autoencoder())
  inputs = make_input(predictions, labels)
  return make_method(settings).losses(*variables, inputs)


@functools.cache
def reporter(settings):
  """Return jitted losses of JTR and all their gradients."""
  return differentiator(make_method(settings))


def report(settings, predictions, labels):
  """Return the output of JTR with all gradients."""
  variables = make_variables(make_autoencoder())
  return reporter(settings)(*variables, predictions, labels)


def poison(labels):
  """Return the labels with everything changed that must not matter."""
  return {name: _poisoned(label) for name, label in labels.items()}


def _poisoned(label):
  if label.value.dtype == jnp.int32:
    value = jnp.where(label.mask, label.value, 99)
    value = value.at[..., ::2].set(
      jnp.where(label.mask, label.value, jnp.iinfo(jnp.int32).min)[..., ::2]
    )
  else:
    value = jnp.where(label.mask[..., None], label.value, jnp.nan)
  # What is valid in a label that is absent matters no more than its values.
  valid = jnp.where(label.present[..., None, None], label.valid, ~label.valid)
  return Label(value, valid, label.present)
