"""What stands for the names in a `torch.save` pickle.

Tensors and storages become descriptions without numbers. What else a training
program writes beside its model, such as numpy scalars and dtypes, becomes
`IGNORED`: it may be there, and is not used.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from jtr_jax.tensor_files.restricted_pickle import Names

_DTYPES: Mapping[str, np.dtype] = {
  "DoubleStorage": np.dtype("<f8"),
  "FloatStorage": np.dtype("<f4"),
  "HalfStorage": np.dtype("<f2"),
  "BFloat16Storage": np.dtype(ml_dtypes.bfloat16),
  "LongStorage": np.dtype("<i8"),
  "IntStorage": np.dtype("<i4"),
  "ShortStorage": np.dtype("<i2"),
  "CharStorage": np.dtype("<i1"),
  "ByteStorage": np.dtype("<u1"),
  "BoolStorage": np.dtype("?"),
}
_TORCH_DTYPES = (
  *("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16"),
  *("int8", "uint8", "bool"),
)


class Storage(NamedTuple):
  """A row of numbers in the file.

  Attributes:
    key: its name in the file.
    dtype: of the numbers.
    numel: how many there are.
  """

  key: str
  dtype: np.dtype
  numel: int


@dataclasses.dataclass(frozen=True)
class Tensor:
  """A view of a storage.

  Attributes:
    storage: where its numbers are.
    offset: of the first one.
    shape: lengths of the axes.
    strides: numbers from one index of an axis to the next.
  """

  storage: Storage
  offset: int
  shape: tuple[int, ...]
  strides: tuple[int, ...]


class Keys:
  """Turns persistent ids into storages and remembers them by key."""

  def __init__(self) -> None:
    self.storages: dict[str, Storage] = {}

  def __call__(self, pid: Any) -> Storage:
    """Return the storage of an id."""
    kind, name, key, _device, numel, *view = pid
    if kind != "storage" or not _is_size(numel) or any(view):
      raise ValueError("a persistent id of an unknown form")
    storage = Storage(str(key), _DTYPES[name], numel)
    if self.storages.setdefault(storage.key, storage) != storage:
      raise ValueError(f"two storages with the key {key!r}")
    return storage


class _Rebuild:
  """Stands for `torch._utils._rebuild_tensor_v2`: only notes its arguments."""

  __slots__ = ()

  def __call__(
    self, storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any
  ) -> Tensor:
    del rest  # requires_grad, hooks, metadata
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, Storage) or not all(map(_is_size, numbers)):
      raise ValueError("a tensor without a storage, or of negative size")
    return Tensor(storage, offset, tuple(shape), tuple(strides))


class _RebuildParameter:
  """Stands for `torch._utils._rebuild_parameter`: the tensor inside."""

  __slots__ = ()

  def __call__(self, tensor: Any, *rest: Any) -> Tensor:
    del rest  # requires_grad, hooks, state
    if not isinstance(tensor, Tensor):
      raise ValueError("a parameter without a tensor")
    return tensor


class _Dict(dict[Any, Any]):
  """Stands for `OrderedDict`, whose attributes are of no interest."""

  __slots__ = ()

  def __setstate__(self, state: Any) -> None:
    del state  # versions of torch's modules


class _Ignored:
  """Stands for anything else: it can be called and be set to no effect."""

  __slots__ = ()

  def __call__(self, *arguments: Any) -> "_Ignored":
    del arguments
    return self

  def __setstate__(self, state: Any) -> None:
    del state


IGNORED = _Ignored()
"""Stands for what is neither a container nor a plain value nor a tensor."""

NAMES: Names = {
  ("torch._utils", "_rebuild_tensor"): _Rebuild(),
  ("torch._utils", "_rebuild_tensor_v2"): _Rebuild(),
  ("torch._utils", "_rebuild_parameter"): _RebuildParameter(),
  ("torch._utils", "_rebuild_parameter_with_state"): _RebuildParameter(),
  ("collections", "OrderedDict"): _Dict,
  ("collections", "Counter"): _Dict,
  ("torch", "Size"): tuple,
  ("torch", "device"): IGNORED,
  ("_codecs", "encode"): IGNORED,
  ("numpy", "dtype"): IGNORED,
  ("numpy", "ndarray"): IGNORED,
  **{("torch", name): name for name in _DTYPES},
  **{("torch", name): IGNORED for name in _TORCH_DTYPES},
  **{
    (f"numpy.{core}.multiarray", name): IGNORED
    for core in ("core", "_core")
    for name in ("_reconstruct", "scalar")
  },
}


def _is_size(number: Any) -> bool:
  return type(number) is int and number >= 0
