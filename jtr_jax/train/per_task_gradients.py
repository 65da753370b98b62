"""Gradients of single tasks: a backward pass that is cut at the features."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Scope
from jtr_jax.balancing.from_gramian import Gram, combine, gram
from jtr_jax.core import rng
from jtr_jax.methods.base import MethodOutput
from jtr_jax.models.multitask import MultiTaskNet, decoder_name
from jtr_jax.train import forward, task_weighting
from jtr_jax.train.state import TrainState, Tree
from jtr_jax.train.step_parts import (
  Batch,
  Program,
  StepGradients,
  method_output,
  weigh,
)
from jtr_jax.train.task_weighting import Losses


class _Cut(NamedTuple):
  """A forward pass that is cut at the shared features.

  Attributes:
    encode: encoder parameters -> (features, statistics).
    features: of the views that train.
    through_encoder: gradient at the features -> of the encoder.
    through_heads: gradients of (losses, regulariser) -> of the other
      parameters, of the features for each task, and of those for the method.
    values: f32[K], the tasks' losses.
    present: bool[K].
    output: of the method.
    model_state: new.
  """

  encode: Callable[[Tree], tuple[Tree, Tree]]
  features: Tree
  through_encoder: Callable[[Tree], tuple[Tree]]
  through_heads: Callable[..., tuple[Tree, tuple[Tree, ...], Tree]]
  values: jax.Array
  present: jax.Array
  output: MethodOutput
  model_state: Tree


def staged_gradients(
  program: Program, state: TrainState, batch: Batch
) -> StepGradients:
  """Return balanced gradients by way of those at the shared features.

  Args:
    program: network, method and balancing.
    state: before the step.
    batch: views and labels.
  """
  cut = _cut(program, state, batch)
  losses = weigh(program, state, state.params, cut.values, cut.present, batch)
  each = cut.present.astype(cut.values.dtype)
  gradients, copies, _ = cut.through_heads((each, jnp.zeros(())))
  at_features = jax.tree.map(lambda *x: jnp.stack(x), *copies)
  more = _of_regularizer(cut)
  shared = _balance(program, state, batch, cut, at_features, losses, more)
  weights = losses.weights
  if program.balancing.gradient and program.balancing.gradient.weighs_decoders:
    weights = weights * shared.state.weights
  gradients = _with_scaled_decoders(program.net, gradients, weights)
  if more is not None:
    gradients = jax.tree.map(jnp.add, gradients, more.others)
  gradients |= {"encoder": shared.gradient, "balancer": losses.gradients}
  return StepGradients(
    gradients,
    cut.output,
    cut.model_state,
    losses,
    shared.seen,
    state.balancing._replace(gradient=shared.state),
  )


def _cut(program: Program, state: TrainState, batch: Batch) -> _Cut:
  net, specs = program.net, program.method.views
  rest = {n: p for n, p in state.params.items() if n != "encoder"}

  def encode(encoder: Tree) -> tuple[Tree, Tree]:
    return forward.encode_views(
      net, {"encoder": encoder}, state.model_state, batch.images, specs
    )

  def heads(
    rest: Tree, copies: tuple[Tree, ...], features: Tree
  ) -> tuple[tuple[jax.Array, jax.Array], Any]:
    seen, states = forward.decode_views(
      net,
      (rest, state.params),
      state.model_state,
      batch.images,
      specs,
      copies,
      features,
    )
    output = method_output(program, state, rest["method"], seen, batch)
    values, present = task_weighting.task_losses(
      output, program.names, program.balancing.task_loss
    )
    return (values, task_weighting.regularizer(output)), (
      present,
      output,
      states,
    )

  features, through_encoder, encoder_state = jax.vjp(
    encode, state.params["encoder"], has_aux=True
  )
  (values, _), through_heads, (present, output, states) = jax.vjp(
    heads, rest, (features,) * len(net.tasks), features, has_aux=True
  )
  model_state = {"encoder": encoder_state, **states, "method": output.state}
  return _Cut(
    encode,
    features,
    through_encoder,
    through_heads,
    values,
    present,
    output,
    model_state,
  )


class _More(NamedTuple):
  """The gradient of a method's regularisers.

  Attributes:
    others: of all parameters but the encoder's.
    features: at the shared features.
  """

  others: Tree
  features: Tree


def _of_regularizer(cut: _Cut) -> _More | None:
  """Return the gradient of the regularisers, None if there are none."""
  if not cut.output.regularizers:
    return None
  none = jnp.zeros_like(cut.values)
  others, copies, direct = cut.through_heads((none, jnp.ones(())))
  return _More(others, jax.tree.map(lambda *x: sum(x), direct, *copies))


class _Shared(NamedTuple):
  """What balancing makes of the encoder's gradients.

  Attributes:
    gradient: of the encoder's parameters.
    state: of the gradient balancer.
    seen: what the loss balancer looks at, or None.
  """

  gradient: Tree
  state: Any
  seen: Gram | None


def _balance(
  program: Program,
  state: TrainState,
  batch: Batch,
  cut: _Cut,
  at_features: Tree,
  losses: Losses,
  more: _More | None,
) -> _Shared:
  """Return the encoder's gradient from those of unweighted losses at z."""
  own = program.balancing
  rows = functools.partial(_rows, program, state, cut)
  seen = None
  if own.observes_gradients:
    seen = gram(rows(at_features, own.loss.scopes[0]))
  weighted = _scaled(at_features, losses.shared_weights)
  if own.gradient is None:
    direction = combine(weighted, jnp.ones_like(losses.weights))
    return _Shared(_through_encoder(cut, direction, more), (), seen)
  chosen = at_features if own.gradient.unweighted else weighted
  direction, after = own.gradient.update(
    rows(chosen, own.scope),
    state.balancing.gradient,
    present=losses.present,
    losses=losses.values,
    key=rng.stream(batch.key, "gradients"),
    sigma=task_weighting.sigma(own, state.params["balancer"]),
  )
  if own.scope == "shared_params":
    if more is not None:
      own_gradient = _through_encoder(cut, more.features, None)
      direction = jax.tree.map(jnp.add, direction, own_gradient)
    return _Shared(direction, after, seen)
  if own.scope == "last_shared_layer":
    direction = combine(chosen, after.weights)
  return _Shared(_through_encoder(cut, direction, more), after, seen)


def _rows(
  program: Program,
  state: TrainState,
  cut: _Cut,
  at_features: Tree,
  scope: Scope,
) -> Tree:
  """Return the K gradients of a scope from those at the features."""
  if scope == "features":
    return at_features
  pull_back = cut.through_encoder
  if scope == "last_shared_layer":
    encoder, path = state.params["encoder"], program.net.last_shared_layer
    _, pull_back, _ = jax.vjp(
      lambda new: cut.encode(task_weighting.with_layer(encoder, path, new)),
      task_weighting.layer(encoder, path),
      has_aux=True,
    )
  at_once = program.balancing.at_once
  return in_groups(lambda x: pull_back(x)[0], at_features, at_once)


def in_groups(
  function: Callable[[Tree], Tree], rows: Tree, at_once: int
) -> Tree:
  """Return the function of every row, so many computed at once.

  Args:
    function: of a tree without the leading axis.
    rows: leaves [K, ...].
    at_once: 1 for one after the other, 0 for all.

  Returns:
    Leaves [K, ...]; the same whatever `at_once` is.
  """
  number = len(jax.tree.leaves(rows)[0])
  size = at_once or number
  groups = [
    jax.vmap(function)(jax.tree.map(lambda x, s=start: x[s : s + size], rows))
    if size > 1
    else jax.tree.map(
      lambda x: x[None],
      function(jax.tree.map(lambda x, s=start: x[s], rows)),
    )
    for start in range(0, number, size)
  ]
  return jax.tree.map(lambda *x: jnp.concatenate(x), *groups)


def _through_encoder(cut: _Cut, direction: Tree, more: _More | None) -> Tree:
  """Return the encoder's gradient from that at the features."""
  if more is not None:
    direction = jax.tree.map(jnp.add, direction, more.features)
  direction = jax.tree.map(
    lambda d, z: d.astype(z.dtype), direction, cut.features
  )
  return cut.through_encoder(direction)[0]


def _scaled(rows: Tree, weights: jax.Array) -> Tree:
  """Return every row times its weight, in the rows' type."""

  def scale(x: jax.Array) -> jax.Array:
    return x * weights.reshape(-1, *[1] * (x.ndim - 1)).astype(x.dtype)

  return jax.tree.map(scale, rows)


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
