"""Learned uncertainties: log-likelihoods of Gaussians with learned sigma.

L_k / (2 sigma_k^2) + log sigma_k is minimal at sigma_k^2 = L_k. The three
parametrisations have the same minimum and differ in speed.

Source: Kendall, Gal and Cipolla, CVPR 2018; Liebel and Koerner 2018.
"""

import math
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from jtr_jax.balancing import learned_weights
from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.loss_balancer import LossBalancer
from jtr_jax.core import errors

Form: TypeAlias = Literal["log_variance", "log_sigma", "sigma"]
"""The learned parameter: s = log sigma^2, s = log sigma, or sigma itself."""

LEAST_VARIANCE = 1e-8
IAL_INITIAL_SIGMA = 0.9
"""IAL, Sec. IV-B, starts "at 0.1", read as f(sigma) = 1 - sigma = 0.1."""
IAL_INITIAL_WEIGHT = 1 / (2 * IAL_INITIAL_SIGMA**2)
"""The weight of a decoder's loss at the same sigma."""


def initial_parameter(form: Form, weight: float) -> float:
  """Return the parameter for which 1 / (2 sigma^2) is `weight`.

  Args:
    form: what is learned.
    weight: more than 0.

  Raises:
    ValueError: an unknown form, naming the nearest.
  """
  variance = 1 / (2 * weight)
  forms = {
    "log_variance": math.log(variance),
    "log_sigma": 0.5 * math.log(variance),
    "sigma": math.sqrt(variance),
  }
  if form not in forms:
    raise errors.unknown_name("form of uncertainty", form, forms)
  return forms[form]


def log_variance(form: Form, parameter: jax.Array) -> jax.Array:
  """Return log sigma^2, f32[K], of a learned parameter f32[K]."""
  if form == "sigma":
    return jnp.log(jnp.maximum(jnp.square(parameter), LEAST_VARIANCE))
  doubled = parameter if form == "log_variance" else 2 * parameter
  return learned_weights.clip_exponent(doubled)


def sigma(form: Form, parameter: jax.Array) -> jax.Array:
  """Return sigma, f32[K], of a learned parameter f32[K]."""
  return jnp.exp(0.5 * log_variance(form, parameter))


def terms(log_variances: jax.Array, losses: jax.Array) -> jax.Array:
  """Return f32[K], L_k / (2 sigma_k^2) + log sigma_k."""
  return 0.5 * jnp.exp(-log_variances) * losses + 0.5 * log_variances


def learn_sigma_beside(
  balancer: LossBalancer, num_tasks: int, initial_sigma: float
) -> LossBalancer:
  """Return the balancer with learned sigma that its weights do not depend on.

  Its objective is the balancer's plus the uncertainty terms of the losses with
  stopped gradients: the weights are the balancer's, and sigma follows the
  losses. For gradient balancers that need sigma.

  Args:
    balancer: what weights the losses; it has no sigma of its own.
    num_tasks: K.
    initial_sigma: sigma of every task at the start.
  """
  form: Form = "log_sigma"
  start = math.log(initial_sigma)

  def init() -> tuple[Tree, Tree]:
    params, state = balancer.init()
    own = learned_weights.init_parameter(form, num_tasks, start)
    return {"weights": params, "sigma": own}, state

  def objective(
    params: Tree,
    state: Tree,
    losses: jax.Array,
    present: jax.Array,
    key: jax.Array,
  ) -> jax.Array:
    fixed = jax.lax.stop_gradient(losses)
    each = terms(log_variance(form, params["sigma"][form]), fixed)
    aside = jnp.sum(jnp.where(present, each, 0))
    weighted = balancer.objective(
      params["weights"], state, losses, present, key
    )
    return weighted + aside

  return balancer._replace(
    init=init,
    objective=objective,
    sigma=lambda params: sigma(form, params["sigma"][form]),
  )
