"""Gradients of single tasks, aggregated: a backward pass in two halves.

The first half, through the decoders, ends with K gradients at the features z.
What is aggregated, and what goes through the encoder, depends on the scope;
there is one function for each:

* `_on_features`: the K gradients at z become one, which goes through.
* `_on_shared_params`: all K go through and become one.
* `_on_last_shared_layer`: all K go through the last layer, which determines
  weights; the weighted sum of the gradients at z goes through.

The gradient of a method's regularisers is added after the aggregation.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Scope
from jtr_jax.balancing.gradient_balancer import GradientState
from jtr_jax.balancing.gramian import Gram, combine, gram, per_row
from jtr_jax.balancing.in_groups import in_groups
from jtr_jax.core import rng
from jtr_jax.models.multitask import MultiTaskNet, decoder_name
from jtr_jax.train import task_weighting
from jtr_jax.train.feature_cut import (
  Cut,
  Regularizer,
  cut_at_features,
  regularizer_gradient,
)
from jtr_jax.train.state import TrainState, Tree
from jtr_jax.train.step_parts import (
  Batch,
  Extra,
  Program,
  StepGradients,
  weigh,
)
from jtr_jax.train.task_weighting import Balancing, Losses


def per_task_gradients(
  program: Program,
  state: TrainState,
  batch: Batch,
  extra: Extra | None = None,
) -> StepGradients:
  """Return the balanced gradients of a step that needs those of single tasks.

  Args:
    program: network, method and balancing.
    state: before the step.
    batch: views and labels.
    extra: for a gradient balancer that needs another batch.
  """
  step = _backward_to_features(program, state, batch)
  if extra is not None:
    step = step._replace(further=_of_extra_batch(program, state, extra))
  weights = step.losses.weights
  after: GradientState | tuple[()] = ()
  if program.balancing.gradient is None:
    encoder = _weighted_sum(step)
  else:
    encoder, after = _AGGREGATE[program.balancing.scope](step)
    if program.balancing.gradient.weighs_decoders:
      weights = weights * program.balancing.gradient.decoder_weights(after)
  gradients = _with_scaled_decoders(program.net, step.others, weights)
  if step.regularizer is not None:
    gradients = jax.tree.map(jnp.add, gradients, step.regularizer.others)
  gradients |= {"encoder": encoder, "balancer": step.losses.gradients}
  return StepGradients(
    gradients,
    step.cut.output,
    step.cut.model_state,
    step.losses,
    _observed(step),
    state.balancing._replace(gradient=after),
  )


class _Step(NamedTuple):
  """A step after the backward pass through the decoders.

  Attributes:
    program: network, method and balancing.
    state: before the step.
    key: for gradient balancers that sample.
    cut: the forward pass.
    losses: of the tasks, weighted.
    others: gradients of the unweighted losses in all parameters but the
      encoder's.
    unweighted: leaves [K, ...], their gradients at the features.
    weighted: the same of the weighted losses.
    regularizer: gradient of the regularisers, None if there are none.
    further: arguments of the balancer's update that need another batch.
  """

  program: Program
  state: TrainState
  key: jax.Array
  cut: Cut
  losses: Losses
  others: Tree
  unweighted: Tree
  weighted: Tree
  regularizer: Regularizer | None
  further: Mapping[str, Any] = MappingProxyType({})

  @property
  def balancing(self) -> Balancing:
    """Of the program."""
    return self.program.balancing

  @property
  def gradients(self) -> Tree:
    """Leaves [K, ...], the gradients at the features that are aggregated."""
    balancer = self.balancing.gradient
    plain = balancer is not None and balancer.unweighted
    return self.unweighted if plain else self.weighted


def _backward_to_features(
  program: Program, state: TrainState, batch: Batch
) -> _Step:
  """Return the step after the backward pass through the decoders."""
  cut = cut_at_features(program, state, batch)
  losses = weigh(program, state, state.params, cut.values, cut.present, batch)
  each = cut.present.astype(cut.values.dtype)
  others, copies, _ = cut.through_decoders((each, jnp.zeros(())))
  unweighted = jax.tree.map(lambda *x: jnp.stack(x), *copies)
  return _Step(
    program,
    state,
    rng.stream(batch.key, "gradients"),
    cut,
    losses,
    others,
    unweighted,
    _scaled(unweighted, losses.shared_weights),
    regularizer_gradient(cut),
  )


def _of_extra_batch(
  program: Program, state: TrainState, extra: Extra
) -> dict[str, Any]:
  """Return what the gradient balancer needs of another batch."""
  if program.balancing.learns_from_influence:
    return {"influence": extra.influence}
  if not program.balancing.samples_twice:
    return {}
  step = _backward_to_features(program, state, extra.batch)
  return {
    "second": _OBSERVE[program.balancing.scope](step, step.gradients),
    "second_present": step.losses.present,
  }


def _weighted_sum(step: _Step) -> Tree:
  """Return the encoder's gradient of the weighted losses."""
  ones = jnp.ones_like(step.losses.weights)
  return _through_encoder(step, combine(step.weighted, ones))


def _on_features(step: _Step) -> tuple[Tree, GradientState]:
  """Aggregate the gradients at z; one goes through the encoder."""
  direction, after = _aggregate(step, step.gradients)
  return _through_encoder(step, direction), after


def _on_shared_params(step: _Step) -> tuple[Tree, GradientState]:
  """Aggregate the gradients of all shared parameters; K go through."""
  rows = _of_shared_params(step, step.gradients)
  direction, after = _aggregate(step, rows)
  if step.regularizer is not None:
    added = step.cut.encoder_gradient(step.regularizer.features)
    direction = jax.tree.map(jnp.add, direction, added)
  return direction, after


def _on_last_shared_layer(step: _Step) -> tuple[Tree, GradientState]:
  """Weight the gradients at z by those of one layer; one goes through."""
  _, after = _aggregate(step, _of_last_shared_layer(step, step.gradients))
  direction = combine(step.gradients, after.weights)
  return _through_encoder(step, direction), after


_AGGREGATE: Mapping[Scope, Callable[[_Step], tuple[Tree, GradientState]]] = (
  MappingProxyType(
    {
      "features": _on_features,
      "shared_params": _on_shared_params,
      "last_shared_layer": _on_last_shared_layer,
    }
  )
)


def _aggregate(step: _Step, rows: Tree) -> tuple[Tree, GradientState]:
  """Return the balancer's direction of K gradients and its new state."""
  balancer = step.balancing.gradient
  assert balancer is not None  # otherwise nothing is aggregated
  direction, after = balancer.update(
    rows,
    step.state.balancing.gradient,
    present=step.losses.present,
    losses=step.losses.values,
    key=step.key,
    sigma=task_weighting.sigma(step.balancing, step.state.params["balancer"]),
    **step.further,
  )
  return direction, after


_Rows: TypeAlias = Callable[[_Step, Tree], Tree]
"""Of K gradients at the features, leaves [K, ...], those of a scope."""


def _of_shared_params(step: _Step, at_features: Tree) -> Tree:
  """Return the K gradients of the encoder's parameters."""
  return in_groups(
    lambda x: step.cut.through_encoder(x)[0],
    at_features,
    step.balancing.at_once,
  )


def _of_last_shared_layer(step: _Step, at_features: Tree) -> Tree:
  """Return the K gradients of the parameters of the encoder's last layer."""
  encoder = step.state.params["encoder"]
  path = step.program.net.last_shared_layer
  _, through_layer, _ = jax.vjp(
    lambda new: step.cut.encode(task_weighting.with_layer(encoder, path, new)),
    task_weighting.layer(encoder, path),
    has_aux=True,
  )
  return in_groups(
    lambda x: through_layer(x)[0], at_features, step.balancing.at_once
  )


_OBSERVE: Mapping[Scope, _Rows] = MappingProxyType(
  {
    "features": lambda step, at_features: at_features,
    "shared_params": _of_shared_params,
    "last_shared_layer": _of_last_shared_layer,
  }
)


def _observed(step: _Step) -> Gram | None:
  """Return what the loss balancer observes of the unweighted gradients."""
  loss = step.balancing.loss
  if not step.balancing.observes_gradients:
    return None
  return gram(_OBSERVE[loss.scopes[0]](step, step.unweighted))


def _through_encoder(step: _Step, direction: Tree) -> Tree:
  """Return the encoder's gradient of a direction at z and the regularisers."""
  if step.regularizer is not None:
    direction = jax.tree.map(jnp.add, direction, step.regularizer.features)
  return step.cut.encoder_gradient(direction)


def _scaled(rows: Tree, weights: jax.Array) -> Tree:
  """Return every row times its weight, in the rows' type."""
  return jax.tree.map(lambda x: x * per_row(weights, x).astype(x.dtype), rows)


def _with_scaled_decoders(
  net: MultiTaskNet, gradients: Tree, weights: jax.Array
) -> Tree:
  """Return the gradients with those of each task's decoder times its weight."""
  names = [decoder_name(task.name) for task in net.tasks]
  scaled = {
    name: jax.tree.map(lambda g, w=weights[k]: w * g, gradients[name])
    for k, name in enumerate(names)
  }
  return {**gradients, **scaled}
