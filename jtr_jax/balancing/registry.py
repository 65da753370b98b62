"""Every balancer by name.

Constructors take the number of tasks, and settings by keyword; those that have
a primary task take its index as `primary`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from jtr_jax.balancing import (
  achievement,
  auto_lambda,
  cosine_similarity,
  dual_balancing,
  excess,
  famo,
  fixed,
  geometric,
  gradnorm,
  ol_aux,
  particles,
  random_weights,
  smooth_tchebycheff,
  total,
  training_speed,
  uncertainty,
)
from jtr_jax.balancing.base import GradientBalancer, LossBalancer

LOSS: Mapping[str, Callable[..., LossBalancer]] = MappingProxyType(
  {
    "amtl": achievement.amtl,
    "atw": training_speed.atw,
    "auto_lambda": auto_lambda.auto_lambda,
    "dtp": achievement.dtp,
    "dwa": training_speed.dwa,
    "famo": famo.famo,
    "fixed": fixed.fixed,
    "gls": geometric.gls,
    "gradnorm": gradnorm.gradnorm,
    "imtl_l": uncertainty.imtl_l,
    "liebel": uncertainty.liebel,
    "logarithmic": fixed.logarithmic,
    "miraliev": uncertainty.miraliev,
    "ol_aux": ol_aux.ol_aux,
    "puw": particles.puw,
    "rlw": random_weights.rlw,
    "stch": smooth_tchebycheff.stch,
    "uniform": fixed.uniform,
    "uw": uncertainty.uw,
  }
)
"""Loss balancers; those that look at epochs need `period`, the steps of one."""

GRADIENT: Mapping[str, Callable[..., GradientBalancer]] = MappingProxyType(
  {
    "db_mtl": dual_balancing.db_mtl,
    "excess_mtl": excess.excess_mtl,
    "gcs": cosine_similarity.gcs,
    "mean": total.mean,
    "sum": total.total,
  }
)
"""Gradient balancers."""
