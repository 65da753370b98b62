"""Every balancer by name.

The balancer `name` is the function `name` of the module `name` in `loss/` or
`gradient/`. Modules are imported when a balancer is looked up, so this table
costs nothing. Builders take the number of tasks, and settings by keyword: the
index of a primary task is `primary`, the number of steps of an epoch `period`.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from jtr_jax.core import errors

if TYPE_CHECKING:
  from jtr_jax.balancing.gradient_balancer import GradientBalancer
  from jtr_jax.balancing.loss_balancer import LossBalancer

Builder: TypeAlias = Callable[..., Any]


class _Builders(Mapping[str, Builder]):
  """Name -> builder, imported on access."""

  def __init__(self, package: str, names: tuple[str, ...]) -> None:
    self._package, self._names = package, names

  def __getitem__(self, name: str) -> Builder:
    if name not in self._names:
      raise KeyError(name)
    module = importlib.import_module(f"{self._package}.{name}")
    builder: Builder = getattr(module, name)
    return builder

  def __iter__(self) -> Iterator[str]:
    return iter(self._names)

  def __len__(self) -> int:
    return len(self._names)

  def __contains__(self, name: object) -> bool:
    return name in self._names


LOSS: "Mapping[str, Callable[..., LossBalancer]]" = _Builders(
  "jtr_jax.balancing.loss",
  (
    "amtl",
    "atw",
    "auto_lambda",
    "dtp",
    "dwa",
    "famo",
    "fixed",
    "gls",
    "gradnorm",
    "impartial_auto_lambda",
    "imtl_l",
    "ldc_mtl",
    "liebel",
    "logarithmic",
    "miraliev",
    "ol_aux",
    "puw",
    "rlw",
    "stch",
    "uniform",
    "uw",
    "uw_so",
  ),
)
"""Builders of loss balancers."""

GRADIENT: "Mapping[str, Callable[..., GradientBalancer]]" = _Builders(
  "jtr_jax.balancing.gradient",
  (
    "aligned_mtl",
    "auxi_nash",
    "cagrad",
    "con_fig",
    "db_mtl",
    "dualproj",
    "excess_mtl",
    "fairgrad",
    "gcs",
    "graddrop",
    "gradvac",
    "ial",
    "imtl_g",
    "mean",
    "mgda",
    "moco",
    "modo",
    "nash_mtl",
    "pcgrad",
    "sdmgrad",
    "sum",
    "upgrad",
  ),
)
"""Builders of gradient balancers."""

RENAMED: Mapping[str, str] = MappingProxyType({"config": "con_fig"})
"""Names in older config files -> names now."""

RENAMED_FIELDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
  {
    "amtl": {"new_share": "ema_new_weight"},
    "db_mtl": {"memory": "ema_decay"},
    "dtp": {"new_share": "ema_new_weight"},
    "ial": {"memory": "ema_decay", "shares": "auxiliary_weights"},
  }
)
"""Balancer -> its settings in older config files -> their names now."""


def get(
  name: str, num_tasks: int, **settings: Any
) -> "LossBalancer | GradientBalancer":
  """Return a balancer by name.

  Args:
    name: a key of `LOSS` or `GRADIENT`.
    num_tasks: K.
    **settings: what its builder takes.

  Raises:
    ValueError: an unknown name or setting, naming the nearest, or a setting
      that is missing.

  Example:
    >>> balancing.get("cagrad", 3, c=0.5)
  """
  builders: Mapping[str, Builder] = LOSS if name in LOSS else GRADIENT
  if name not in builders:
    raise errors.unknown_name("balancer", name, [*LOSS, *GRADIENT])
  builder = builders[name]
  known = dict(list(inspect.signature(builder).parameters.items())[1:])
  for setting in settings:
    if setting not in known:
      raise errors.unknown_name(f"setting of {name!r}", setting, known)
  for setting, parameter in known.items():
    if parameter.default is parameter.empty and setting not in settings:
      raise ValueError(
        errors.message(
          f"The balancer {name!r} needs the setting {setting!r}",
          found="none",
          expected=f"{setting}=...",
          do=f"See help(jtr_jax.balancing.{name}).",
        )
      )
  found: LossBalancer | GradientBalancer = builder(num_tasks, **settings)
  return found


def upgraded(section: Mapping[str, Any]) -> dict[str, Any]:
  """Return a section {name, settings} of an older config with today's names."""
  name = RENAMED.get(section["name"], section["name"])
  fields = RENAMED_FIELDS.get(name, {})
  settings = {fields.get(key, key): value for key, value in section.items()}
  return {**settings, "name": name}
