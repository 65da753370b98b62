"""Uncertainty weighting: the tasks' noise scales sigma are learnt.

L_k / (2 sigma_k^2) + log sigma_k has its minimum at sigma_k^2 = L_k. The three
parametrisations share it and differ in speed.

Source: Kendall, Gal and Cipolla, CVPR 2018; Liebel and Koerner 2018.
"""

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing import from_weights
from jtr_jax.balancing.base import LossBalancer, Tree, strong
from jtr_jax.core import errors

Form: TypeAlias = Literal["log_variance", "log_sigma", "sigma"]
"""What is learnt: s = log sigma^2, s = log sigma, or sigma itself."""

_RANGE = 80.0  # of log variances inside exponentials, far from any in use
_LEAST_VARIANCE = 1e-8


def uw(
  num_tasks: int,
  *,
  form: Form = "log_variance",
  initial_weight: float = 0.5 * math.exp(0.5),
  classification: tuple[int, ...] = (),
) -> LossBalancer:
  """Return sum_k L_k / (2 sigma_k^2) + log sigma_k, sigma learnt.

  Args:
    num_tasks: K.
    form: what is learnt.
    initial_weight: 1 / (2 sigma^2) at the start. The default is s = -0.5, as in
      MTAN, MTPSL and LibMTL; IAL starts at 0.1.
    classification: indices of tasks whose loss is not halved, as the derivation
      has it for cross-entropy.

  Source: Kendall 2018, Eq. (7) and (10); IAL, Eq. (3).
  Deviations: the released MTAN, MTPSL and Auto-lambda call the log variance
    log sigma; here the names are right.
  """
  start = _parameter(form, 1 / (2 * initial_weight))
  doubled = jnp.array([k in classification for k in range(num_tasks)])

  def each(parameter: jax.Array, losses: jax.Array) -> jax.Array:
    scaled = jnp.where(doubled, 2, 1) * losses
    return terms(_log_variance(form, parameter), scaled)

  balancer = _learnt("uw", form, jnp.full(num_tasks, start), each)
  return balancer._replace(sigma=lambda params: _sigma(form, params))


def terms(log_variance: jax.Array, losses: jax.Array) -> jax.Array:
  """Return f32[K], L_k / (2 sigma_k^2) + log sigma_k."""
  return 0.5 * jnp.exp(-log_variance) * losses + 0.5 * log_variance


def liebel(num_tasks: int, *, initial: float = 1.0) -> LossBalancer:
  """Return sum_k L_k / (2 c_k^2) + log(1 + c_k^2), which is never negative.

  The minimum is where 2 c^4 = L (1 + c^2).

  Args:
    num_tasks: K.
    initial: c at the start.

  Source: Liebel and Koerner 2018, Eq. (3).
  """

  def each(parameter: jax.Array, losses: jax.Array) -> jax.Array:
    square = jnp.maximum(jnp.square(parameter), _LEAST_VARIANCE)
    return losses / (2 * square) + jnp.log1p(square)

  return _learnt("liebel", "c", jnp.full(num_tasks, initial), each)


def miraliev(num_tasks: int) -> LossBalancer:
  """Return one learnt weight for each of several objectives, Miraliev-like.

  0.5 exp(-s) L + log(1 + exp(s / 2)^2), the regulariser that stays positive:
  with it objectives of one task cannot outweigh each other by going negative.

  Args:
    num_tasks: number of objectives; a task may have several.

  Source: Miraliev et al., IEEE T-IV 9(1), 2024, known from its abstract: an
    approximation. What is certain: every objective inside a task has a weight.
  """

  def each(parameter: jax.Array, losses: jax.Array) -> jax.Array:
    s = jnp.clip(parameter, -_RANGE, _RANGE)
    return 0.5 * jnp.exp(-s) * losses + jnp.log1p(jnp.exp(s))

  start = jnp.full(num_tasks, -math.log(2))  # every weight is 1
  return _learnt("miraliev", "log_variance", start, each)


def imtl_l(num_tasks: int, *, initial: float = 0.0) -> LossBalancer:
  """Return sum_k e^(s_k) L_k - s_k, which makes all scaled losses equal 1.

  Args:
    num_tasks: K.
    initial: s at the start; the released code of AMTL starts at 0, an older
      code of the first author of IAL at 1.

  Source: Liu et al., ICLR 2021 (IMTL), Eq. (6).
  """

  def each(parameter: jax.Array, losses: jax.Array) -> jax.Array:
    s = jnp.clip(parameter, -_RANGE, _RANGE)
    return jnp.exp(s) * losses - s

  return _learnt("imtl_l", "scale", jnp.full(num_tasks, initial), each)


def beside(balancer: LossBalancer, num_tasks: int) -> LossBalancer:
  """Return a balancer that learns sigma beside weights that ignore it.

  Its objective is the balancer's plus uncertainty weighting of losses without
  gradient: the weights are the balancer's, and sigma follows the losses.

  Args:
    balancer: what weighs the losses.
    num_tasks: K.
  """
  form: Form = "log_sigma"
  observer = uw(num_tasks, form=form, initial_weight=0.1)

  def init() -> tuple[Tree, Tree]:
    params, state = balancer.init()
    own, _ = observer.init()
    return {"weights": params, "sigma": own}, state

  def objective(
    params: Tree,
    state: Tree,
    losses: jax.Array,
    present: jax.Array,
    key: jax.Array,
  ) -> jax.Array:
    fixed = jax.lax.stop_gradient(losses)
    aside = observer.objective(params["sigma"], (), fixed, present, key)
    weighed = balancer.objective(params["weights"], state, losses, present, key)
    return weighed + aside

  return balancer._replace(
    init=init,
    objective=objective,
    sigma=lambda params: _sigma(form, params["sigma"]),
  )


def _learnt(
  name: str,
  parameter: str,
  start: jax.Array,
  each: Callable[[jax.Array, jax.Array], jax.Array],
) -> LossBalancer:
  """Return the balancer that sums terms with one learnt number for each task.

  Args:
    name: in configs and logs.
    parameter: what the learnt vector is called.
    start: f32[K], its first value.
    each: (learnt f32[K], losses f32[K]) -> the tasks' terms f32[K].
  """

  def objective(
    params: Tree,
    state: Tree,
    losses: jax.Array,
    present: jax.Array,
    key: jax.Array,
  ) -> jax.Array:
    del state, key
    found = each(params[parameter], losses)
    return jnp.sum(jnp.where(present, found, 0))

  unused = from_weights.from_weights(name, lambda *_: start)
  return unused._replace(
    init=lambda: (strong({parameter: start}), ()), objective=objective
  )


def _sigma(form: Form, params: Tree) -> jax.Array:
  """Return sigma, f32[K]."""
  return jnp.exp(0.5 * _log_variance(form, params[form]))


def _parameter(form: Form, variance: float) -> float:
  """Return the number that stands for a variance."""
  forms = {
    "log_variance": math.log(variance),
    "log_sigma": 0.5 * math.log(variance),
    "sigma": math.sqrt(variance),
  }
  if form not in forms:
    raise errors.unknown_name("form of uncertainty", form, forms)
  return forms[form]


def _log_variance(form: Form, parameter: jax.Array) -> jax.Array:
  """Return log sigma^2, f32[K]."""
  if form == "sigma":
    return jnp.log(jnp.maximum(jnp.square(parameter), _LEAST_VARIANCE))
  doubled = parameter if form == "log_variance" else 2 * parameter
  return jnp.clip(doubled, -_RANGE, _RANGE)
