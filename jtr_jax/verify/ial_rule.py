"""Recordings of kind "ial_rule": both stages of IAL, cases `case<i>/`."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp

from jtr_jax.balancing import ial_indicators
from jtr_jax.balancing.gradient.ial import ial
from jtr_jax.balancing.loss.uw import uw
from jtr_jax.verify.comparison import (
  Quantity,
  Recording,
  recomputed,
)

Values = dict[str, jax.Array]


def recompute(recording: Recording) -> Iterator[Quantity]:
  """Yield every expected quantity of every case.

  Raises:
    RecordError: an array is missing or a quantity unknown.
  """
  cases = sorted({n.partition("/")[0] for n in recording if "/expected/" in n})
  for case in cases:
    found = _decoder_stage(recording, case) | _encoder_stage(recording, case)
    prefix = f"{case}/expected/"
    for name in (n for n in recording if n.startswith(prefix)):
      yield recomputed(recording, name, name.removeprefix(prefix), found)


def _decoder_stage(recording: Recording, case: str) -> Values:
  losses, log_sigma, present = _known(recording, case)
  balancer = uw(len(losses), form="log_sigma")
  params = {"log_sigma": log_sigma}
  value, _, gradient = balancer.weigh(params, (), losses, present=present)
  everywhere = jnp.ones_like(present)
  _, weights, _ = balancer.weigh(params, (), losses, present=everywhere)
  return {
    "decoder_objective": value,
    "decoder_weights": weights,
    "grad_log_sigma": gradient["log_sigma"],
  }


def _encoder_stage(recording: Recording, case: str) -> Values:
  losses, log_sigma, present = _known(recording, case)
  gradients = jnp.asarray(recording[f"{case}/feature_gradients"], float)
  primary = int(recording[f"{case}/primary"])
  sigma = jnp.exp(log_sigma)
  balancer = ial(len(losses), primary=primary)
  direction, state = balancer.update(
    gradients,
    balancer.init(gradients[0]),
    present=present,
    losses=losses,
    sigma=sigma,
  )
  f = ial_indicators.cap_sigma(sigma, "relu").at[primary].set(1)
  return {
    "auxiliary_weights": f,
    "gradient_norms": state.rule.statistics["length"],
    "combined_feature_gradient": direction,
  }


def _known(
  recording: Recording, case: str
) -> tuple[jax.Array, jax.Array, jax.Array]:
  """Return losses, log sigma and present, [K] each."""
  return (
    jnp.asarray(recording[f"{case}/losses"], float),
    jnp.asarray(recording[f"{case}/log_sigma"], float),
    jnp.asarray(recording[f"{case}/present"], bool),
  )
