"""Balancing of K losses or K gradients; usable without the rest of the package.

Every name in `__all__` is the builder of a balancer, of losses
(`balancing.uw(3)`) or of gradients (`balancing.pcgrad(3)`):

    optimizer = optax.chain(balancing.pcgrad(2), optax.adam(1e-3))

`balancing.get(name, num_tasks, **settings)` finds a builder by name, and
`cr_mogm` smooths the weights of a gradient balancer.
`value_and_grad`, `mtl_grad` and `make_fan_out` compute balanced gradients of a
whole program; `gram` and `combine` are what the rules are made of. Everything
is imported on first use: importing this package does not import JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

from jtr_jax.balancing import registry
from jtr_jax.balancing.registry import get as get

if TYPE_CHECKING:
  from jtr_jax.balancing.differentiate import mtl_grad as mtl_grad
  from jtr_jax.balancing.differentiate import value_and_grad as value_and_grad
  from jtr_jax.balancing.fan_out import make_fan_out as make_fan_out
  from jtr_jax.balancing.gradient.aligned_mtl import aligned_mtl
  from jtr_jax.balancing.gradient.auxi_nash import auxi_nash
  from jtr_jax.balancing.gradient.cagrad import cagrad
  from jtr_jax.balancing.gradient.con_fig import con_fig
  from jtr_jax.balancing.gradient.db_mtl import db_mtl
  from jtr_jax.balancing.gradient.dualproj import dualproj
  from jtr_jax.balancing.gradient.excess_mtl import excess_mtl
  from jtr_jax.balancing.gradient.fairgrad import fairgrad
  from jtr_jax.balancing.gradient.gcs import gcs
  from jtr_jax.balancing.gradient.graddrop import graddrop
  from jtr_jax.balancing.gradient.gradvac import gradvac
  from jtr_jax.balancing.gradient.ial import ial
  from jtr_jax.balancing.gradient.imtl_g import imtl_g
  from jtr_jax.balancing.gradient.mean import mean
  from jtr_jax.balancing.gradient.mgda import mgda
  from jtr_jax.balancing.gradient.moco import moco
  from jtr_jax.balancing.gradient.modo import modo
  from jtr_jax.balancing.gradient.nash_mtl import nash_mtl
  from jtr_jax.balancing.gradient.pcgrad import pcgrad
  from jtr_jax.balancing.gradient.sdmgrad import sdmgrad
  from jtr_jax.balancing.gradient.sum import sum
  from jtr_jax.balancing.gradient.upgrad import upgrad
  from jtr_jax.balancing.gramian import Gram as Gram
  from jtr_jax.balancing.gramian import combine as combine
  from jtr_jax.balancing.gramian import gram as gram
  from jtr_jax.balancing.loss.amtl import amtl
  from jtr_jax.balancing.loss.atw import atw
  from jtr_jax.balancing.loss.auto_lambda import auto_lambda
  from jtr_jax.balancing.loss.dtp import dtp
  from jtr_jax.balancing.loss.dwa import dwa
  from jtr_jax.balancing.loss.famo import famo
  from jtr_jax.balancing.loss.fixed import fixed
  from jtr_jax.balancing.loss.gls import gls
  from jtr_jax.balancing.loss.gradnorm import gradnorm
  from jtr_jax.balancing.loss.impartial_auto_lambda import impartial_auto_lambda
  from jtr_jax.balancing.loss.imtl_l import imtl_l
  from jtr_jax.balancing.loss.ldc_mtl import ldc_mtl
  from jtr_jax.balancing.loss.liebel import liebel
  from jtr_jax.balancing.loss.logarithmic import logarithmic
  from jtr_jax.balancing.loss.miraliev import miraliev
  from jtr_jax.balancing.loss.ol_aux import ol_aux
  from jtr_jax.balancing.loss.puw import puw
  from jtr_jax.balancing.loss.rlw import rlw
  from jtr_jax.balancing.loss.stch import stch
  from jtr_jax.balancing.loss.uniform import uniform
  from jtr_jax.balancing.loss.uw import uw
  from jtr_jax.balancing.loss.uw_so import uw_so
  from jtr_jax.balancing.smoothing import cr_mogm as cr_mogm

__all__ = [
  "aligned_mtl",
  "amtl",
  "atw",
  "auto_lambda",
  "auxi_nash",
  "cagrad",
  "con_fig",
  "db_mtl",
  "dtp",
  "dualproj",
  "dwa",
  "excess_mtl",
  "fairgrad",
  "famo",
  "fixed",
  "gcs",
  "gls",
  "graddrop",
  "gradnorm",
  "gradvac",
  "ial",
  "impartial_auto_lambda",
  "imtl_g",
  "imtl_l",
  "ldc_mtl",
  "liebel",
  "logarithmic",
  "mean",
  "mgda",
  "miraliev",
  "moco",
  "modo",
  "nash_mtl",
  "ol_aux",
  "pcgrad",
  "puw",
  "rlw",
  "sdmgrad",
  "stch",
  "sum",
  "uniform",
  "upgrad",
  "uw",
  "uw_so",
]


_ELSEWHERE = {
  "Gram": "gramian",
  "combine": "gramian",
  "cr_mogm": "smoothing",
  "gram": "gramian",
  "make_fan_out": "fan_out",
  "mtl_grad": "differentiate",
  "value_and_grad": "differentiate",
}
"""Functions that are no builders -> the modules they are in."""


def __getattr__(name: str) -> Any:
  """Return a builder, or a function from one of the modules."""
  if name in _ELSEWHERE:
    module = importlib.import_module(f"{__name__}.{_ELSEWHERE[name]}")
    return getattr(module, name)
  for builders in (registry.LOSS, registry.GRADIENT):
    if name in builders:
      return builders[name]
  raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
  """Return the names of builders and of what is defined here."""
  return sorted({*globals(), *__all__, *_ELSEWHERE})
