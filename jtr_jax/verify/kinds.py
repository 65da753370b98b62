"""Every kind of recording and the function that recomputes it."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from jtr_jax.core import errors
from jtr_jax.verify import (
  aggregators,
  augment,
  ial_rule,
  jtr_step,
  loss_weighting,
  metrics,
  mtpsl_step,
  network,
)
from jtr_jax.verify.comparison import Quantity, Recording

Recompute: TypeAlias = Callable[[Recording], Iterator[Quantity]]

KINDS: Mapping[str, Recompute] = MappingProxyType(
  {
    "aggregators": aggregators.recompute,
    "augment": augment.recompute,
    "ial_rule": ial_rule.recompute,
    "jtr_step": jtr_step.recompute,
    "loss_weighting": loss_weighting.recompute,
    "metrics": metrics.recompute,
    "mtpsl_step": mtpsl_step.recompute,
    "network": network.recompute,
  }
)


def recompute(recording: Recording) -> Iterator[Quantity]:
  """Yield every quantity of a recording of any known kind.

  Args:
    recording: the arrays of a file; `kind` names its kind.

  Returns:
    The quantities, one at a time, as they are recomputed.

  Raises:
    ValueError: unknown kind.
    RecordError: an array is missing or cannot be used.
  """
  kind = str(recording["kind"])
  if kind not in KINDS:
    raise errors.unknown_name("kind of recording", kind, KINDS)
  return KINDS[kind](recording)
