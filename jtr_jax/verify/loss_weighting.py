"""Recordings of kind "loss_weighting": weights and objectives of balancers.

Every section `<method>/` holds the inputs and `<method>/expected/...`.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

import jax
import jax.numpy as jnp

from jtr_jax.balancing.base import Tree
from jtr_jax.balancing.loss import amtl, dtp, dwa, gls, gradnorm, imtl_l, uw
from jtr_jax.balancing.loss_balancer import LossBalancer, Observation
from jtr_jax.core import errors
from jtr_jax.metrics import summary
from jtr_jax.metrics.summary import Measure
from jtr_jax.verify.comparison import (
  Quantity,
  RecordError,
  Recording,
  recomputed,
)

Values = dict[str, jax.Array]


def recompute(recording: Recording) -> Iterator[Quantity]:
  """Yield every expected quantity of every section that there is.

  Raises:
    RecordError: an array is missing, or a section or quantity unknown.
  """
  expected = [name for name in recording if "/expected" in name]
  sections = sorted({name.partition("/")[0] for name in expected})
  for section in sections:
    if section not in _SECTIONS:
      raise RecordError(
        str(errors.unknown_name("section of balancing", section, _SECTIONS))
      )
    found = _SECTIONS[section](recording)
    for name in expected:
      if name.startswith(section + "/"):
        quantity = name.partition("/expected")[2].removeprefix("/")
        yield recomputed(recording, name, quantity, found)


def _amtl(recording: Recording) -> Values:
  losses = _array(recording, "amtl/losses")
  make = functools.partial(
    amtl.amtl,
    losses.shape[-1],
    potentials=tuple(recording["amtl/potential"].tolist()),
    margin=float(recording["amtl/margin"]),
    focusing=float(recording["amtl/focusing"]),
    ema_new_weight=float(recording["amtl/ema_new_weight"]),
  )
  # The exponents are the factors of the arithmetic ablation.
  balancer, arithmetic = make(), make(mean="arithmetic")
  rows, state = [], balancer.init()[1]
  accuracies = _array(recording, "amtl/accuracy")
  for accuracy, loss in zip(accuracies, losses, strict=True):
    state = balancer.update_from_accuracies(state, accuracy)
    value, gradient, _ = _weights(balancer, (), state, loss)
    rows.append((_weights(arithmetic, (), state, loss)[1], value, gradient))
  return _stacked(rows, ("weights", "loss", "grad_losses"))


def _gls(recording: Recording) -> Values:
  losses = _array(recording, "gls/losses")
  balancer = gls.gls(losses.shape[-1])
  rows = [_weights(balancer, (), (), row)[:2] for row in losses]
  return _stacked(rows, ("loss", "grad_losses"))


def _dwa(recording: Recording) -> Values:
  losses = _array(recording, "dwa/epoch_losses")
  present = jnp.ones(losses.shape[-1], bool)
  balancer = dwa.dwa(
    losses.shape[-1],
    period=1,
    temperature=float(recording["dwa/temperature"]),
  )
  state, rows = balancer.init()[1], []
  for step, row in enumerate(losses):
    rows.append((_weights(balancer, (), state, row)[1],))
    seen = Observation(row, present, jnp.asarray(step))
    state = balancer.observe(state, seen)
  return _stacked(rows, ("weights",))


def _dtp(recording: Recording) -> Values:
  accuracies = _array(recording, "dtp/kpi")
  balancer = dtp.dtp(
    accuracies.shape[-1],
    focusing=float(recording["dtp/gamma"]),
    ema_new_weight=float(recording["dtp/ema_new_weight"]),
  )
  state, rows = balancer.init()[1], []
  for accuracy in accuracies:
    state = balancer.update_from_accuracies(state, accuracy)
    rows.append((_weights(balancer, (), state, accuracy)[1],))
  return _stacked(rows, ("weights",))


def _uw(recording: Recording) -> Values:
  losses = _array(recording, "uw/losses")
  params = {"log_variance": _array(recording, "uw/log_variance")}
  value, weights, gradient = _weights(uw.uw(len(losses)), params, (), losses)
  learnt = gradient["log_variance"]
  return {"loss": value, "weights": weights, "grad_log_variance": learnt}


def _imtl_l(recording: Recording) -> Values:
  losses = _array(recording, "imtl_l/losses")
  params = {"scale": _array(recording, "imtl_l/scale")}
  value, weights, gradient = _weights(
    imtl_l.imtl_l(len(losses)), params, (), losses
  )
  return {"loss": value, "weights": weights, "grad_scale": gradient["scale"]}


def _gradnorm(recording: Recording) -> Values:
  weights = _array(recording, "gradnorm/weights")
  value, gradient = gradnorm.gradnorm_loss(
    weights,
    _array(recording, "gradnorm/norms"),
    _array(recording, "gradnorm/losses"),
    _array(recording, "gradnorm/initial_losses"),
    alpha=float(recording["gradnorm/alpha"]),
    present=jnp.ones(len(weights), bool),
  )
  return {"loss": value, "grad_weights": gradient}


def _delta(recording: Recording) -> Values:
  rows = zip(
    recording["delta/metrics"].tolist(),
    recording["delta/higher_is_better"].tolist(),
    recording["delta/baseline"].tolist(),
    strict=True,
  )
  gains = [
    [summary.relative_gain(Measure(value, 1 if higher else -1), baseline)]
    for value, higher, baseline in rows
  ]
  return {"percent": jnp.asarray(summary.mean_gain(gains))}


def _acc_mtl(recording: Recording) -> Values:
  def measure(name: str, direction: int) -> Measure:
    return Measure(float(recording[f"acc_mtl/{name}"]), direction)

  tasks = (
    [measure("miou", 1)],
    [measure("delta1", 1), measure("rmse", -1)],
    [measure("within_11_25", 1), measure("mean", -1), measure("median", -1)],
  )
  return {"": jnp.asarray(summary.acc_mtl(tasks))}


def _array(recording: Recording, name: str) -> jax.Array:
  return jnp.asarray(recording[name], float)


def _weights(
  balancer: LossBalancer, params: Tree, state: Tree, losses: jax.Array
) -> tuple[jax.Array, jax.Array, Tree]:
  present = jnp.ones(losses.shape[-1], bool)
  return balancer.weigh(params, state, losses, present=present)


def _stacked(
  rows: Sequence[tuple[jax.Array, ...]], names: tuple[str, ...]
) -> Values:
  columns = zip(*rows, strict=True)
  return {
    name: jnp.stack(column) for name, column in zip(names, columns, strict=True)
  }


_SECTIONS: Mapping[str, Callable[[Recording], Values]] = {
  "acc_mtl": _acc_mtl,
  "amtl": _amtl,
  "delta": _delta,
  "dtp": _dtp,
  "dwa": _dwa,
  "gls": _gls,
  "gradnorm": _gradnorm,
  "imtl_l": _imtl_l,
  "uw": _uw,
}
