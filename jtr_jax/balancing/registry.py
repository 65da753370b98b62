"""Every balancer by name.

Constructors take the number of tasks, and settings by keyword; those that have
a primary task take its index as `primary`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

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
from jtr_jax.balancing.loss import (
  amtl,
  auto_lambda,
  dwa,
  famo,
  fixed,
  gls,
  gradnorm,
  ol_aux,
  puw,
  rlw,
  stch,
  uw,
)

LOSS: Mapping[str, Callable[..., LossBalancer]] = MappingProxyType(
  {
    "amtl": amtl.amtl,
    "atw": dwa.atw,
    "auto_lambda": auto_lambda.auto_lambda,
    "dtp": amtl.dtp,
    "dwa": dwa.dwa,
    "famo": famo.famo,
    "fixed": fixed.fixed,
    "gls": gls.gls,
    "gradnorm": gradnorm.gradnorm,
    "impartial_auto_lambda": auto_lambda.impartial_auto_lambda,
    "imtl_l": uw.imtl_l,
    "liebel": uw.liebel,
    "logarithmic": fixed.logarithmic,
    "miraliev": uw.miraliev,
    "ol_aux": ol_aux.ol_aux,
    "puw": puw.puw,
    "rlw": rlw.rlw,
    "stch": stch.stch,
    "uniform": fixed.uniform,
    "uw": uw.uw,
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
