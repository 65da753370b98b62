"""The joint-task space: the bottleneck of JTR's auto-encoder.

Source: Nishi et al., CVPR 2024, Eq. (5). What keeps codes apart (`centred`,
`variance`, `covariance`) is ours.
"""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import chex
import jax
import jax.numpy as jnp

from jtr_jax.core import numerics
from jtr_jax.methods.base import Tree
from jtr_jax.methods.jtr.joint_tensor import JointPair, split_channels
from jtr_jax.models.multitask import AutoEncoder
from jtr_jax.models.segnet import Change
from jtr_jax.tasks.base import Task

Distance: TypeAlias = Literal["cosine", "l1", "l2", "l1_norm", "l2_norm"]

Both: TypeAlias = tuple[jax.Array, jax.Array]
"""The same of the prediction tensor and of the target tensor."""


def encode_pair(
  autoencoder: AutoEncoder,
  params: Tree,
  state: Tree,
  pair: JointPair,
  change: Change | None = None,
) -> tuple[Both, Both, Tree]:
  """Return bottlenecks, reconstructions and new state for both tensors.

  The tensors of an image stand side by side, [Y0, Y^0, Y1, Y^1, ...]: the order
  in which the released code updates its running statistics.

  Args:
    autoencoder: g.
    params: its parameters.
    state: its running statistics.
    pair: the joint tensors.
    change: of the bottlenecks before they are decoded, see `SegNet`.

  Returns:
    f32[B, h, w, C] twice, f32[B, H, W, J] twice, prediction first, and the
    state.
  """
  both = jnp.stack([pair.target, pair.prediction], axis=1)
  flat = both.reshape(-1, *both.shape[2:])
  bottleneck, rebuilt, new_state = autoencoder(
    params, state, flat, change=change
  )
  return _unzip(bottleneck), _unzip(rebuilt), new_state


def _unzip(x: jax.Array) -> Both:
  both = x.reshape(-1, 2, *x.shape[1:])
  return both[:, 1], both[:, 0]


def distance(
  points: Both, kind: Distance, *, centred: bool = False
) -> jax.Array:
  """Return f32[B], the mean distance over the places of the bottleneck.

  Args:
    points: bottlenecks [B, h, w, C] of the prediction and the target tensor.
    kind: of the difference d of two points f32[C] at a place: "cosine" is one
      minus their cosine, "l1_norm" sum |d|, "l2_norm" sqrt(sum d^2), "l1" and
      "l2" the means of |d| and of d^2 over the channels.
    centred: compare codes less the mean code of the batch. A direction that all
      codes share makes any two of them nearly parallel, whatever they stand
      for. No gradient flows through the mean.

  Source: JTR paper, Eq. (5), which names the cosine distance as an example, and
    supplement, Table 16, "L1 Norm" and "L2 Norm"; the released code has the
    cosine distance alone.
  Deviations: neither has `centred`.
  """
  chex.assert_rank(points, 4)
  chex.assert_equal_shape(points)
  a, b = (numerics.widen(point) for point in points)
  if centred:
    mean = jnp.mean(jnp.stack([a, b]), axis=(0, 1, 2, 3))
    a, b = (x - jax.lax.stop_gradient(mean) for x in (a, b))
  return jnp.mean(_DISTANCES[kind](a, b), axis=(1, 2))


def _one_minus_cosine(a: jax.Array, b: jax.Array) -> jax.Array:
  """Return 1 - cos as |u - v|^2 / 2: exactly 0 if a = b, zero vectors too."""
  u, v = numerics.safe_unit(a), numerics.safe_unit(b)
  one_is_zero = jnp.any(u != 0, axis=-1) != jnp.any(v != 0, axis=-1)
  return jnp.where(one_is_zero, 1, jnp.sum(jnp.square(u - v), axis=-1) / 2)


_DISTANCES: Mapping[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
  "cosine": _one_minus_cosine,
  "l1": lambda a, b: jnp.mean(jnp.abs(a - b), axis=-1),
  "l2": lambda a, b: jnp.mean(jnp.square(a - b), axis=-1),
  "l1_norm": lambda a, b: jnp.sum(jnp.abs(a - b), axis=-1),
  "l2_norm": lambda a, b: numerics.safe_norm(a - b)[..., 0],
}


def mean_code(codes: jax.Array) -> jax.Array:
  """Return the mean code of the batch in place of every code [B, h, w, C]."""
  mean = jnp.mean(codes, axis=(0, 1, 2), keepdims=True)
  return jnp.broadcast_to(mean, codes.shape)


def variance(points: Both) -> jax.Array:
  """Return f32[], how far codes fall short of a deviation of one.

  mean_c max(0, 1 - sqrt(Var_c + 1e-4)), over images and places of the batch,
  summed over the two tensors.

  Args:
    points: [B, h, w, C] of the prediction and the target tensor.

  Source: Bardes et al., VICReg, ICLR 2022, Eq. (1), with gamma = 1.
  Deviations: not in the JTR paper.
  """
  total = jnp.zeros(())
  for code in map(_flat, points):
    deviation = jnp.sqrt(jnp.var(code, axis=0) + 1e-4)
    total += jnp.mean(jax.nn.relu(1 - deviation))
  return total


def covariance(points: Both) -> jax.Array:
  """Return f32[], how much the channels of codes tell of each other.

  sum_{i != j} Cov_ij^2 / C, over images and places of the batch, summed over
  the two tensors.

  Args:
    points: [B, h, w, C] of the prediction and the target tensor.

  Source: Bardes et al., VICReg, ICLR 2022, Eq. (3)-(4).
  Deviations: not in the JTR paper.
  """
  total = jnp.zeros(())
  for code in map(_flat, points):
    apart = code - jnp.mean(code, axis=0)
    matrix = apart.T @ apart / max(len(code) - 1, 1)
    others = matrix - jnp.diag(matrix.diagonal())
    total += jnp.sum(jnp.square(others)) / code.shape[1]
  return total


def spread_terms(
  points: Both, variance_weight: float, covariance_weight: float
) -> dict[str, jax.Array]:
  """Return the weighted terms f32[B] that spread codes, without idle ones.

  Args:
    points: [B, h, w, C] of the prediction and the target tensor.
    variance_weight: of `variance`.
    covariance_weight: of `covariance`.
  """
  terms = {
    "jtr_variance": (variance_weight, variance),
    "jtr_covariance": (covariance_weight, covariance),
  }
  return {
    name: jnp.broadcast_to(weight * term(points), (len(points[0]),))
    for name, (weight, term) in terms.items()
    if weight
  }


def _flat(codes: jax.Array) -> jax.Array:
  """Return f32[B h w, C]."""
  return numerics.widen(codes).reshape(-1, codes.shape[-1])


def reconstruction(
  tasks: tuple[Task, ...], pair: JointPair, rebuilt: Both
) -> jax.Array:
  """Return both tensors' reconstruction losses, summed over the tasks.

  Args:
    tasks: give the losses.
    pair: the joint tensors, detached.
    rebuilt: raw outputs of the auto-encoder, f32[B, H, W, J].

  Returns:
    f32[B].
  """
  total = jnp.zeros(len(pair.mask))
  for joint, output in zip(pair[:2], rebuilt, strict=True):
    targets, outputs = (
      split_channels(tasks, joint),
      split_channels(tasks, output),
    )
    for task in tasks:
      total += task.reconstruction_loss(
        outputs[task.name], targets[task.name], pair.mask
      ).per_image()
  return total
