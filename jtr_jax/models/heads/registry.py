"""Every head by name: what it reads of a backbone, and what may be shared."""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import flax.linen as nn

from jtr_jax.core import errors
from jtr_jax.models.base import Compute, HeadName
from jtr_jax.models.heads.aspp import Aspp, AsppSettings
from jtr_jax.models.heads.deeplab import DeepLab, DeepLabSettings
from jtr_jax.models.heads.dpt import Dpt, DptHead, DptSettings
from jtr_jax.models.heads.fpn import Fpn, FpnHead, FpnSettings
from jtr_jax.models.heads.linear import LinearHead

_FINE = 4  # stride of the fine map of V3+, and of the finest one of a pyramid
_REACH = (96, 192, 288)  # pixels of the image; 12, 24, 36 at a stride of 8
_DPT_MAPS = 4
_DPT_SHARES = (1 / 4, 1 / 2, 1, 2)  # of the width of the tokens


@dataclasses.dataclass(frozen=True)
class HeadSettings:
  """How large a head is; see `networks.NetworkSettings`.

  Attributes:
    width: channels of the convolutions; 0 for the usual number.
    aspp_rates: dilations of ASPP; () for the usual reach.
    aspp_dropout: fraction of ASPP's output that training drops.
    dropout: fraction of the last layer's input that training drops.
  """

  width: int = 0
  aspp_rates: tuple[int, ...] = ()
  aspp_dropout: float = 0.5
  dropout: float = 0.0


class Plan(NamedTuple):
  """The parts of a head.

  Attributes:
    sources: maps of the backbone that it reads, the finest first.
    trunk: what may be shared by all tasks; None for nothing.
    kept: maps that it reads beside the trunk's.
    build: (channels, its own trunk or None) -> the head.
  """

  sources: tuple[str, ...]
  trunk: nn.Module | None
  kept: tuple[str, ...]
  build: Callable[[int, nn.Module | None], nn.Module]


def plan(
  name: HeadName,
  strides: Mapping[str, int],
  settings: HeadSettings,
  compute: Compute,
) -> Plan:
  """Return the parts of a head for a backbone.

  Args:
    name: which head.
    strides: of the backbone's maps, in order.
    settings: of the head.
    compute: how it is computed.

  Raises:
    ValueError: an unknown head, or one that does not fit the backbone.
  """
  if name not in _PLANS:
    raise errors.unknown_name("head", name, _PLANS)
  return _PLANS[name](strides, settings, compute)


def _deeplab(
  strides: Mapping[str, int], settings: HeadSettings, compute: Compute
) -> Plan:
  return _any_deeplab(strides, settings, compute, fine="")


def _deeplab_plus(
  strides: Mapping[str, int], settings: HeadSettings, compute: Compute
) -> Plan:
  fine = _pyramid(strides)[0]
  if strides[fine] != _FINE:
    raise _unfit("deeplabv3_plus", f"a map at a stride of {_FINE}", strides)
  return _any_deeplab(strides, settings, compute, fine)


def _any_deeplab(
  strides: Mapping[str, int],
  settings: HeadSettings,
  compute: Compute,
  fine: str,
) -> Plan:
  deep, width = list(strides)[-1], settings.width or 256
  rates = settings.aspp_rates or tuple(
    max(1, pixels // strides[deep]) for pixels in _REACH
  )
  kept = (fine,) if fine else ()
  aspp = AsppSettings(deep, width, rates, settings.aspp_dropout)
  own = DeepLabSettings(fine, width=width, dropout=settings.dropout)
  return Plan(
    (*kept, deep),
    Aspp(aspp, compute),
    kept,
    lambda channels, trunk: DeepLab(channels, own, trunk, compute),
  )


def _fpn(
  strides: Mapping[str, int], settings: HeadSettings, compute: Compute
) -> Plan:
  sources, width = _pyramid(strides), settings.width or 128
  if len(sources) < 2:
    raise _unfit("fpn", "maps at several strides", strides)
  return Plan(
    sources,
    Fpn(FpnSettings(sources, width), compute),
    (),
    lambda channels, trunk: FpnHead(
      channels, width, settings.dropout, trunk, compute
    ),
  )


def _dpt(
  strides: Mapping[str, int], settings: HeadSettings, compute: Compute
) -> Plan:
  blocks = list(strides)
  if len(set(strides.values())) > 1 or len(blocks) < _DPT_MAPS:
    raise _unfit("dpt", "four maps or more at one stride", strides)
  sources = tuple(
    blocks[(n + 1) * len(blocks) // _DPT_MAPS - 1] for n in range(_DPT_MAPS)
  )
  width = settings.width or 256
  own = DptSettings(
    sources, tuple(max(1, int(share * width)) for share in _DPT_SHARES), width
  )
  return Plan(
    sources,
    Dpt(own, compute),
    (),
    lambda channels, trunk: DptHead(channels, own, trunk, compute),
  )


def _linear(
  strides: Mapping[str, int], settings: HeadSettings, compute: Compute
) -> Plan:
  del settings  # nothing to choose
  sources = (list(strides)[-1],)
  return Plan(
    sources,
    None,
    (),
    lambda channels, trunk: LinearHead(channels, sources, compute),
  )


def _pyramid(strides: Mapping[str, int]) -> tuple[str, ...]:
  """Return the last map of every stride from 4 on."""
  last = {stride: name for name, stride in strides.items() if stride >= _FINE}
  return tuple(last.values())


def _unfit(head: str, expected: str, strides: Mapping[str, int]) -> ValueError:
  return ValueError(
    errors.message(
      f"The head {head!r} does not fit this backbone",
      found=f"strides {', '.join(map(str, sorted(set(strides.values()))))}",
      expected=expected,
      do="Choose another model.head or another output stride.",
    )
  )


_PLANS: Mapping[str, Callable[..., Plan]] = MappingProxyType(
  {
    "deeplabv3": _deeplab,
    "deeplabv3_plus": _deeplab_plus,
    "fpn": _fpn,
    "dpt": _dpt,
    "linear": _linear,
  }
)
