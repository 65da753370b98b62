"""One update, as a pure function of the state and a batch.

examples -> views (crop, flip, colour) -> predictions of all views in one batch
-> the method's losses -> gradients -> optimiser. Everything happens inside one
jit; nothing is read back.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, PartitionSpec

from jtr_jax.core import rng
from jtr_jax.core.types import Labels, ViewSpec, Weighted
from jtr_jax.data.examples import Examples, to_images, to_labels
from jtr_jax.data.views import AugmentSettings, make_views
from jtr_jax.methods.base import Method, MethodInput, MethodOutput
from jtr_jax.models.multitask import MultiTaskNet, NetOutput
from jtr_jax.tasks.base import Task
from jtr_jax.train.state import TrainState, Tree


class StepMetrics(NamedTuple):
  """What a step reports, left on the device until somebody looks.

  Attributes:
    losses: for each task the supervised loss, summed over the images with what
      their labels count, and the sum of that.
    terms: means over the images of "regularizer/<name>" and of "total/loss",
      the objective.
    gradient_norm: f32[], Euclidean norm over all parameters.
    broken: for each task and regulariser bool[B]: the image's term is not
      finite.
    sample: i32[B], which images these were.
  """

  losses: dict[str, Weighted]
  terms: dict[str, jax.Array]
  gradient_norm: jax.Array
  broken: dict[str, jax.Array]
  sample: jax.Array


TrainStep: TypeAlias = Callable[
  [TrainState, Examples], tuple[TrainState, StepMetrics]
]


def make_train_step(
  net: MultiTaskNet,
  method: Method,
  optimizer: optax.GradientTransformation,
  augment: AugmentSettings,
  *,
  seed: int,
  mesh: Mesh,
) -> TrainStep:
  """Return the pure function (state, examples) -> (state, metrics).

  The objective is the mean over the images of the batch of the supervised
  shares of all tasks plus the method's regularisers.

  Args:
    net: the network.
    method: how losses are made.
    optimizer: how gradients become updates.
    augment: how views are drawn.
    seed: of the run; with a sample's id and epoch it fixes its augmentation.
    mesh: devices along the axis "data"; batch norm and losses are those of the
      whole batch, however many there are.
  """

  def step(
    state: TrainState, examples: Examples
  ) -> tuple[TrainState, StepMetrics]:
    images, labels = _views(
      examples, net.tasks, method, augment, seed=seed, mesh=mesh
    )
    key = rng.stream(seed, "method", state.step)

    def objective(params: Tree) -> tuple[jax.Array, tuple[MethodOutput, Tree]]:
      seen, model_state = run_views(
        net, params, state.model_state, images, method.views
      )
      output = method.losses(
        params["method"],
        state.model_state["method"],
        MethodInput(*seen, labels, state.step, key),
      )
      total = _total(output)
      return total, (output, {**model_state, "method": output.state})

    gradient = jax.grad(objective, has_aux=True)
    gradients, (output, model_state) = gradient(state.params)
    updates, opt_state = optimizer.update(
      gradients, state.opt_state, state.params
    )
    new_state = TrainState(
      step=state.step + 1,
      params=optax.apply_updates(state.params, updates),
      model_state=model_state,
      opt_state=opt_state,
    )
    return new_state, _metrics(output, gradients, examples)

  return step


def run_views(
  net: MultiTaskNet,
  params: Tree,
  model_state: Tree,
  images: jax.Array,
  specs: tuple[ViewSpec, ...],
) -> tuple[NetOutput, Tree]:
  """Return what the network makes of all views; those that train share a batch.

  Args:
    net: the network.
    params: its parameters.
    model_state: its running statistics.
    images: f32[V, B, H, W, 3].
    specs: one for each view; static.

  Returns:
    Predictions and features in training mode, with leading axes V and B, and
    the new statistics.
  """
  trains = np.array([spec.trains for spec in specs])
  if trains.all():
    return _run_batch(net, params, model_state, images)
  output, state = _run_batch(net, params, model_state, images[trains])
  frozen = jax.lax.stop_gradient(params)
  apart, _ = _run_batch(net, frozen, model_state, images[~trains])
  places = np.argsort(np.argsort(~trains, kind="stable"))

  def in_order(x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.concatenate([x, y])[places]

  return jax.tree.map(in_order, output, apart), state


def _run_batch(
  net: MultiTaskNet, params: Tree, model_state: Tree, images: jax.Array
) -> tuple[NetOutput, Tree]:
  """Return what the network makes of views that share one batch."""
  flat = images.reshape(-1, *images.shape[2:])
  output, state = net(params, model_state, flat, train=True)

  def by_view(x: jax.Array) -> jax.Array:
    return x.reshape(*images.shape[:2], *x.shape[1:])

  return jax.tree.map(by_view, output), state


def _views(
  examples: Examples,
  tasks: tuple[Task, ...],
  method: Method,
  augment: AugmentSettings,
  *,
  seed: int,
  mesh: Mesh,
) -> tuple[jax.Array, Labels]:
  """Return the views; every device draws those of its own samples."""

  def of_shard(shard: Examples) -> tuple[jax.Array, Labels]:
    def key_of(epoch: jax.Array, sample: jax.Array) -> jax.Array:
      return rng.stream(seed, "augment", epoch, sample)

    return make_views(
      to_images(shard),
      to_labels(shard),
      jax.vmap(key_of)(shard.epoch, shard.sample),
      tasks,
      method.views,
      augment,
    )

  batch, views = PartitionSpec("data"), PartitionSpec(None, "data")
  return jax.shard_map(
    of_shard, mesh=mesh, in_specs=batch, out_specs=views, check_vma=False
  )(examples)


def _total(output: MethodOutput) -> jax.Array:
  """Return the objective of a batch."""
  shares = [jnp.mean(loss.sum) for loss in output.task_losses.values()]
  terms = [jnp.mean(term) for term in output.regularizers.values()]
  return jnp.sum(jnp.stack(shares + terms))


def _metrics(
  output: MethodOutput, gradients: Tree, examples: Examples
) -> StepMetrics:
  losses, terms = output.task_losses, output.regularizers
  per_image = {name: loss.sum for name, loss in losses.items()} | terms
  means = {f"regularizer/{name}": jnp.mean(x) for name, x in terms.items()}
  return StepMetrics(
    losses=jax.tree.map(jnp.sum, losses),
    terms=means | {"total/loss": _total(output)},
    gradient_norm=optax.tree.norm(gradients),
    broken={name: ~jnp.isfinite(x) for name, x in per_image.items()},
    sample=examples.sample,
  )
