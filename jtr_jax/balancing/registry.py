"""Every balancer by name.

Constructors take the number of tasks, and settings by keyword; those that have
a primary task take its index as `primary`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from jtr_jax.balancing import (
  achievement,
  auto_lambda,
  famo,
  fixed,
  geometric,
  gradnorm,
  ol_aux,
  particles,
  random_weights,
  smooth_tchebycheff,
  training_speed,
  uncertainty,
)
from jtr_jax.balancing.base import GradientBalancer, LossBalancer
from jtr_jax.balancing.gradient import (
  aligned_mtl,
  cagrad,
  con_fig,
  db_mtl,
  excess_mtl,
  fairgrad,
  gcs,
  graddrop,
  gradvac,
  ial,
  imtl_g,
  mgda,
  moco,
  nash_mtl,
  pcgrad,
  sdmgrad,
  sum,
  upgrad,
)

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
    "config": con_fig.config,
    "db_mtl": db_mtl.db_mtl,
    "dualproj": upgrad.dualproj,
    "excess_mtl": excess_mtl.excess_mtl,
    "fairgrad": fairgrad.fairgrad,
    "gcs": gcs.gcs,
    "graddrop": graddrop.graddrop,
    "gradvac": gradvac.gradvac,
    "ial": ial.ial,
    "imtl_g": imtl_g.imtl_g,
    "mean": sum.mean,
    "mgda": mgda.mgda,
    "moco": moco.moco,
    "nash_mtl": nash_mtl.nash_mtl,
    "pcgrad": pcgrad.pcgrad,
    "sdmgrad": sdmgrad.sdmgrad,
    "sum": sum.total,
    "upgrad": upgrad.upgrad,
  }
)
"""Gradient balancers."""
