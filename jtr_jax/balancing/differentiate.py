"""Balanced gradients of K losses in any JAX program.

`value_and_grad` takes a function of all parameters that returns K losses, and
balances the gradients of the shared parameters. `mtl_grad` takes an encoder and
K decoders apart, and balances the gradients at the features: the encoder runs
forward and backward once.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.from_gramian import ARGUMENTS
from jtr_jax.balancing.gradient_balancer import GradientBalancer, GradientState
from jtr_jax.balancing.in_groups import in_groups
from jtr_jax.core import errors


@dataclasses.dataclass(frozen=True)
class BalancedGrad:
  """Losses and balanced gradients, as a function with a state.

  Attributes:
    init: params -> the first state of the balancer.
    apply: (params, state, *args, **kwargs) -> (losses, gradients, new state);
      calling the object is the same.
  """

  init: Callable[[Tree], GradientState]
  apply: Callable[..., tuple[Any, Tree, GradientState]]

  def __call__(
    self, params: Tree, state: GradientState, *args: Any, **kwargs: Any
  ) -> tuple[Any, Tree, GradientState]:
    """Return the losses, the balanced gradients and the new state."""
    return self.apply(params, state, *args, **kwargs)


def value_and_grad(
  losses_fn: Callable[..., Any],
  balancer: GradientBalancer,
  *,
  shared: Sequence[str] | None = None,
  at_once: int = 1,
  has_aux: bool = False,
) -> BalancedGrad:
  """Return a function of losses and balanced gradients, like its namesake.

  The gradients of shared parameters are aggregated by the balancer. All others,
  the heads, get those of the sum of the losses, or of the weighted sum if the
  paper of the balancer weights them (`balancer.weighs_decoders`).

  Args:
    losses_fn: (params, *args, **kwargs) -> f32[K], or (f32[K], aux).
    balancer: a gradient balancer that acts on shared parameters.
    shared: paths of the shared parameters, such as ("encoder",) or
      ("trunk/layers/0", "trunk/norm"), everything below them included; None if
      all are shared.
    at_once: how many of the K gradients are computed together: 1 takes the
      least memory, 0 means all.
    has_aux: whether `losses_fn` also returns something that is passed through.

  Returns:
    (params, state, *args, **kwargs) -> (losses, gradients, state), with
    ((losses, aux), gradients, state) for `has_aux`; its `init(params)` is the
    first state. Extra arguments of the balancer (present, key, sigma,
    axis_name) are keywords as well; the losses are known. Absent tasks may have
    any loss and any gradient.

  Raises:
    ValueError: a path that no parameter has, naming the nearest.

  Example:
    >>> step = balancing.value_and_grad(
    ...   losses_fn, balancing.cagrad(3), shared=("encoder",)
    ... )
    >>> state = step.init(params)
    >>> losses, gradients, state = step(params, state, batch)
    >>> updates, opt_state = optimizer.update(gradients, opt_state, params)
  """
  _check_scope(balancer, "shared_params")
  return BalancedGrad(
    lambda params: balancer.init(_split(params, shared).shared),
    functools.partial(
      _value_and_grad, losses_fn, balancer, shared, at_once, has_aux
    ),
  )


def _value_and_grad(
  losses_fn: Callable[..., Any],
  balancer: GradientBalancer,
  shared: Sequence[str] | None,
  at_once: int,
  has_aux: bool,
  params: Tree,
  state: GradientState,
  *args: Any,
  **kwargs: Any,
) -> tuple[Any, Tree, GradientState]:
  """Return losses, gradients and state; see `value_and_grad`."""
  extra = {name: kwargs.pop(name) for name in ARGUMENTS if name in kwargs}
  split = _split(params, shared)

  def losses_of(own: list[Any], heads: list[Any]) -> tuple[jax.Array, Any]:
    found = losses_fn(split.joined(own, heads), *args, **kwargs)
    return found if has_aux else (found, None)

  losses, pull_back, aux = jax.vjp(
    losses_of, split.shared, split.heads, has_aux=True
  )
  chex.assert_rank(losses, 1)
  present = extra.setdefault("present", jnp.ones(losses.shape, bool))
  each = jnp.eye(len(losses), dtype=losses.dtype)
  rows = in_groups(lambda one: pull_back(one)[0], each, at_once)
  direction, state = balancer.update(rows, state, **{"losses": losses, **extra})
  weights = balancer.decoder_weights(state)
  weights = jnp.where(present, weights, 0).astype(losses.dtype)
  gradients = split.joined(direction, pull_back(weights)[1])
  return (losses, aux) if has_aux else losses, gradients, state


def mtl_grad(
  encode: Callable[..., Tree],
  decoders: Sequence[Callable[..., jax.Array]],
  balancer: GradientBalancer,
  *,
  on_features: bool = True,
  at_once: int = 1,
) -> BalancedGrad:
  """Return a function of losses and balanced gradients of an encoder.

  loss_k = decoders[k](decoder_params[k], encode(encoder_params, *args), *args).
  One backward pass through the decoders gives the K gradients at the features.
  The balancer aggregates these (`on_features`), and one goes through the
  encoder; or all K go through, and it aggregates those of the parameters.

  Args:
    encode: (params, *args) -> features, any tree of arrays.
    decoders: K functions (params, features, *args) -> f32[], a task's loss.
    balancer: a gradient balancer.
    on_features: what is aggregated: the gradients at the features, or those of
      the encoder's parameters, which takes K passes through the encoder.
    at_once: for gradients of parameters: how many are computed together; 1
      takes the least memory, 0 means all.

  Returns:
    ((encoder_params, decoder_params), state, *args, **extra) -> (losses f32[K],
    gradients like the parameters, new state), decoder_params being a sequence
    of K trees; its `init` takes both. `extra` is what `balancer.update` takes;
    the losses are known. Decoders get the gradients of their own losses,
    weighted where the paper does it.

  Raises:
    ValueError: the balancer does not act there.

  Example:
    >>> step = balancing.mtl_grad(encode, [depth, normals], balancing.imtl_g(2))
    >>> state = step.init((encoder, heads))
    >>> losses, gradients, state = step((encoder, heads), state, image, labels)
  """
  _check_scope(balancer, "features" if on_features else "shared_params")
  return BalancedGrad(
    lambda params: balancer.init(params[0]),
    functools.partial(
      _mtl_grad, encode, decoders, balancer, on_features, at_once
    ),
  )


def _mtl_grad(
  encode: Callable[..., Tree],
  decoders: Sequence[Callable[..., jax.Array]],
  balancer: GradientBalancer,
  on_features: bool,
  at_once: int,
  params: tuple[Tree, Sequence[Tree]],
  state: GradientState,
  *args: Any,
  **extra: Any,
) -> tuple[jax.Array, Tree, GradientState]:
  """Return losses, gradients and state; see `mtl_grad`."""
  encoder, heads = params
  features, through_encoder = jax.vjp(lambda p: encode(p, *args), encoder)
  passes = [
    jax.vjp(lambda p, z, run=run: run(p, z, *args), own, features)
    for run, own in zip(decoders, heads, strict=True)
  ]
  losses = jnp.stack([loss for loss, _ in passes])
  chex.assert_rank(losses, 1)
  pairs = [back(jnp.ones_like(loss)) for loss, back in passes]
  rows = jax.tree.map(lambda *x: jnp.stack(x), *(z for _, z in pairs))
  present = extra.setdefault("present", jnp.ones(losses.shape, bool))
  if not on_features:
    rows = in_groups(lambda row: through_encoder(row)[0], rows, at_once)
  direction, state = balancer.update(rows, state, **{"losses": losses, **extra})
  if on_features:
    direction = through_encoder(direction)[0]
  weights = balancer.decoder_weights(state)
  own = [
    _weighted(gradient, weights[k], present[k])
    for k, (gradient, _) in enumerate(pairs)
  ]
  return losses, (direction, _like(heads, own)), state


class _Split(NamedTuple):
  """Parameters in two parts.

  Attributes:
    shared: leaves that are balanced.
    heads: the others.
    is_shared: for each leaf of the whole.
    structure: of the whole.
  """

  shared: list[Any]
  heads: list[Any]
  is_shared: list[bool]
  structure: Any

  def joined(self, shared: list[Any], heads: list[Any]) -> Tree:
    """Return a tree like the whole."""
    parts = iter(shared), iter(heads)
    leaves = [next(parts[not own]) for own in self.is_shared]
    return jax.tree.unflatten(self.structure, leaves)


def _split(params: Tree, shared: Sequence[str] | None) -> _Split:
  """Return the parameters in two parts; `shared` are paths from the root."""
  found, structure = jax.tree_util.tree_flatten_with_path(params)
  paths = [
    jax.tree_util.keystr(p, simple=True, separator="/") for p, _ in found
  ]
  known = {
    "/".join(parts[:depth])
    for parts in (path.split("/") for path in paths)
    for depth in range(1, len(parts) + 1)
  }
  for name in shared or ():
    if name not in known:
      raise errors.unknown_name("path of shared parameters", name, known)
  is_shared = [
    shared is None or any(f"{path}/".startswith(f"{name}/") for name in shared)
    for path in paths
  ]
  sides: tuple[list[Any], list[Any]] = ([], [])
  for (_, leaf), own in zip(found, is_shared, strict=True):
    sides[not own].append(leaf)
  return _Split(*sides, is_shared, structure)


def _like(heads: Sequence[Tree], gradients: list[Tree]) -> Sequence[Tree]:
  """Return the gradients in the same kind of sequence as the parameters."""
  return tuple(gradients) if isinstance(heads, tuple) else gradients


def _weighted(gradient: Tree, weight: jax.Array, present: jax.Array) -> Tree:
  """Return the gradient of one head times its weight, 0 if it is absent."""
  return jax.tree.map(
    lambda g: jnp.where(present, weight.astype(g.dtype) * g, 0), gradient
  )


def _check_scope(balancer: GradientBalancer, scope: str) -> None:
  """Raise for a balancer that acts on something else."""
  if scope not in balancer.scopes:
    raise ValueError(
      errors.message(
        f"{balancer.name!r} does not act on {scope}",
        found=f"gradients of {scope}",
        expected=" or ".join(balancer.scopes),
        do="Use mtl_grad for features, value_and_grad for shared parameters.",
      )
    )
