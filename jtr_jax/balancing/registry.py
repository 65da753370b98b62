"""Every balancer by name.

Constructors take the number of tasks, and settings by keyword; those that have
a primary task take its index as `primary`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from jtr_jax.balancing import (
  achievement,
  aligned_mtl,
  auto_lambda,
  cagrad,
  conflict_free,
  cosine_similarity,
  dual_balancing,
  dual_cone,
  excess,
  fairgrad,
  famo,
  fixed,
  geometric,
  graddrop,
  gradnorm,
  gradvac,
  ial,
  imtl_g,
  mgda,
  moco,
  nash_mtl,
  ol_aux,
  particles,
  pcgrad,
  random_weights,
  sdmgrad,
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
    "impartial_auto_lambda": auto_lambda.impartial_auto_lambda,
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
    "aligned_mtl": aligned_mtl.aligned_mtl,
    "cagrad": cagrad.cagrad,
    "config": conflict_free.config,
    "db_mtl": dual_balancing.db_mtl,
    "dualproj": dual_cone.dualproj,
    "excess_mtl": excess.excess_mtl,
    "fairgrad": fairgrad.fairgrad,
    "gcs": cosine_similarity.gcs,
    "graddrop": graddrop.graddrop,
    "gradvac": gradvac.gradvac,
    "ial": ial.ial,
    "imtl_g": imtl_g.imtl_g,
    "mean": total.mean,
    "mgda": mgda.mgda,
    "moco": moco.moco,
    "nash_mtl": nash_mtl.nash_mtl,
    "pcgrad": pcgrad.pcgrad,
    "sdmgrad": sdmgrad.sdmgrad,
    "sum": total.total,
    "upgrad": dual_cone.upgrad,
  }
)
"""Gradient balancers."""
