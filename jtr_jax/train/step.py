"""One update, as a pure function of the state and a batch.

examples -> views (crop, flip, colour) -> predictions of all views in one batch
-> the method's losses -> gradients -> optimiser. Everything happens inside one
jit; nothing is read back.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jtr_jax.core import rng
from jtr_jax.core.types import Labels, Weighted
from jtr_jax.data.augment.views import AugmentSettings, make_views
from jtr_jax.data.loading.examples import (
  Examples,
  WithExtra,
  to_images,
  to_labels,
)
from jtr_jax.methods.base import Method
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.tasks.base import Task
from jtr_jax.train import extra_batch
from jtr_jax.train.averaging import NO_AVERAGE, Averaging
from jtr_jax.train.gradients import observe, step_gradients
from jtr_jax.train.state import TrainState
from jtr_jax.train.step_parts import Batch, Program, StepGradients
from jtr_jax.train.task_weighting import (
  PLAIN,
  Balancing,
  regularizer,
  statistics,
)


class StepMetrics(NamedTuple):
  """What a step reports, kept on the device until it is read.

  Attributes:
    losses: for each task the supervised loss, summed over the images with what
      their labels count, and the sum of that.
    terms: means over the images of "regularizer/<name>" and of "total/loss",
      the objective.
    balancing: "weight/<task>" and the like, with weight 0 where absent.
    gradient_norm: f32[], Euclidean norm over all parameters.
    broken: for each task and regulariser bool[B]: the image's term is not
      finite.
    sample: i32[B], which images these were.
  """

  losses: dict[str, Weighted]
  terms: dict[str, jax.Array]
  balancing: dict[str, Weighted]
  gradient_norm: jax.Array
  broken: dict[str, jax.Array]
  sample: jax.Array


TrainStep: TypeAlias = Callable[
  [TrainState, Examples | WithExtra], tuple[TrainState, StepMetrics]
]


def make_train_step(
  net: MultiTaskNet,
  method: Method,
  optimizer: optax.GradientTransformation,
  augment: AugmentSettings,
  balancing: Balancing = PLAIN,
  *,
  averaging: Averaging = NO_AVERAGE,
  seed: int,
  mesh: Mesh,
) -> TrainStep:
  """Return the pure function (state, examples) -> (state, metrics).

  The objective is that of the balancing, by default the mean over the images of
  the sum of the tasks' weighted losses, plus the mean of the method's
  regularisers. A balancer that needs an extra batch gets examples `WithExtra`.

  Args:
    net: the network.
    method: how losses are made.
    optimizer: how gradients become updates.
    augment: how views are drawn.
    balancing: how the tasks' losses and gradients become one.
    averaging: how parameters are averaged for evaluation.
    seed: of the run; with a sample's id and epoch it fixes its augmentation.
    mesh: devices along the axis "data", and perhaps "height"; batch norm,
      losses and gradients are those of the whole batch, however many there are.
  """
  program = Program(net, method, balancing)

  def batch_of(state: TrainState, examples: Examples) -> Batch:
    views = _views(examples, net.tasks, method, augment, seed=seed, mesh=mesh)
    return Batch(*views, rng.stream(seed, "method", state.step))

  def step(
    state: TrainState, given: Examples | WithExtra
  ) -> tuple[TrainState, StepMetrics]:
    examples = given.batch if isinstance(given, WithExtra) else given
    batch, extra = batch_of(state, examples), None
    if isinstance(given, WithExtra):
      further = batch_of(state, given.extra)
      state, extra = extra_batch.use(program, state, batch, further)
    found = step_gradients(program, state, batch, extra)
    updates, opt_state = optimizer.update(
      found.gradients, state.opt_state, state.params
    )
    params = optax.apply_updates(state.params, updates)
    new_state = TrainState(
      step=state.step + 1,
      params=params,
      model_state=averaging.advance(
        state.model_state, params, found.model_state, state.step
      ),
      opt_state=opt_state,
      balancing=observe(program, state, params, batch, found),
    )
    return new_state, _metrics(program, new_state, found, examples)

  return step


def _views(
  examples: Examples,
  tasks: tuple[Task, ...],
  method: Method,
  augment: AugmentSettings,
  *,
  seed: int,
  mesh: Mesh,
) -> tuple[jax.Array, Labels]:
  """Return the views; every device draws those of its own samples.

  Devices that share images draw them whole, and keep their own rows.
  """

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
  drawn = jax.shard_map(
    of_shard, mesh=mesh, in_specs=batch, out_specs=views, check_vma=False
  )(examples)
  return drawn if mesh.size == mesh.shape["data"] else _share_rows(drawn, mesh)


def _share_rows(
  drawn: tuple[jax.Array, Labels], mesh: Mesh
) -> tuple[jax.Array, Labels]:
  """Divide images, and labels of their size, among the devices of "height"."""
  images, rows = drawn[0], PartitionSpec(None, "data", "height")
  sharding = NamedSharding(mesh, rows)
  return jax.tree.map(
    lambda x: (
      jax.lax.with_sharding_constraint(x, sharding)
      if x.shape[:4] == images.shape[:4]
      else x
    ),
    drawn,
  )


def _metrics(
  program: Program,
  state: TrainState,
  found: StepGradients,
  examples: Examples,
) -> StepMetrics:
  losses, terms = found.output.task_losses, found.output.regularizers
  per_image = {name: loss.sum for name, loss in losses.items()} | terms
  means = {f"regularizer/{name}": jnp.mean(x) for name, x in terms.items()}
  total = found.losses.objective + regularizer(found.output)
  return StepMetrics(
    losses=jax.tree.map(jnp.sum, losses),
    terms=means | {"total/loss": total},
    balancing=statistics(
      program.balancing,
      program.names,
      state.params["balancer"],
      state.balancing,
      found.losses,
    ),
    gradient_norm=optax.tree.norm(found.gradients),
    broken={name: ~jnp.isfinite(x) for name, x in per_image.items()},
    sample=examples.sample,
  )
