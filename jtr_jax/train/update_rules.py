"""Optimisers: from gradients and a schedule of the learning rate to updates."""

from typing import Any, Literal, TypeAlias

import jax
import optax

from jtr_jax.methods.base import Tree
from jtr_jax.models.parameter_names import is_kernel

Decayed: TypeAlias = Literal["kernels", "all"]
"""What weight decay acts on: kernels and matrices, or norms, biases and
embeddings, too."""

_BETAS = (0.9, 0.999)


def adam(
  learning_rate: optax.Schedule,
  *,
  betas: tuple[float, float] = _BETAS,
  epsilon: float = 1e-8,
  weight_decay: float = 0.0,
  decayed: Decayed = "kernels",
) -> optax.GradientTransformation:
  """Return Adam.

  Args:
    learning_rate: updates -> learning rate.
    betas: of the averages of gradients and of their squares.
    epsilon: added to the square root.
    weight_decay: times the parameters, added to their gradients.
    decayed: which parameters these are.

  Source: Kingma and Ba 2015. Released train_nyuv2.py has torch Adam without
    weight decay.
  """
  scale = optax.scale_by_adam(*betas, eps=epsilon)
  return _chain(_decay(weight_decay, decayed), scale, learning_rate)


def adamw(
  learning_rate: optax.Schedule,
  *,
  betas: tuple[float, float] = _BETAS,
  epsilon: float = 1e-8,
  weight_decay: float = 1e-2,
  decayed: Decayed = "kernels",
) -> optax.GradientTransformation:
  """Return Adam with decoupled weight decay.

  Args:
    learning_rate: updates -> learning rate.
    betas: of the averages of gradients and of their squares.
    epsilon: added to the square root.
    weight_decay: an update also subtracts this times the parameters, times
      the learning rate.
    decayed: which parameters these are.

  Source: Loshchilov and Hutter 2019. The default decay is torch's.
  """
  scale = optax.scale_by_adam(*betas, eps=epsilon)
  return _chain(scale, _decay(weight_decay, decayed), learning_rate)


def sgd(
  learning_rate: optax.Schedule,
  *,
  momentum: float = 0.9,
  nesterov: bool = False,
  weight_decay: float = 0.0,
  decayed: Decayed = "kernels",
) -> optax.GradientTransformation:
  """Return gradient descent with momentum, b <- momentum b + gradient.

  Args:
    learning_rate: updates -> learning rate; it multiplies b.
    momentum: fraction of b that an update keeps.
    nesterov: whether the update is gradient + momentum b instead.
    weight_decay: times the parameters, added to their gradients.
    decayed: which parameters these are.

  Source: torch SGD without dampening.
  """
  trace = optax.trace(momentum, nesterov) if momentum else None
  return _chain(_decay(weight_decay, decayed), trace, learning_rate)


def _decay(
  rate: float, decayed: Decayed
) -> optax.GradientTransformation | None:
  if not rate:
    return None
  mask = _kernels if decayed == "kernels" else None
  return optax.add_decayed_weights(rate, mask=mask)


def _kernels(params: Tree) -> Any:
  return jax.tree.map_with_path(lambda path, _: is_kernel(path), params)


def _chain(
  first: optax.GradientTransformation | None,
  second: optax.GradientTransformation | None,
  learning_rate: optax.Schedule,
) -> optax.GradientTransformation:
  """Return what is there, one after the other, then the learning rate."""
  steps = [step for step in (first, second) if step is not None]
  return optax.chain(*steps, optax.scale_by_learning_rate(learning_rate))
