"""Every balancer by name; constructors take the number of tasks first."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from jtr_jax.balancing import total
from jtr_jax.balancing.base import GradientBalancer

GRADIENT: Mapping[str, Callable[..., GradientBalancer]] = MappingProxyType(
  {
    "mean": total.mean,
    "sum": total.total,
  }
)
"""Gradient balancers; those with a primary task also take `primary`, its
index."""
