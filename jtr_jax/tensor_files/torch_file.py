"""Arrays from a `torch.save` file, without torch and without running code.

Two flavours: five pickles followed by raw storages (the legacy form, in which
the released label splits are), and a zip archive with one pickle and one member
for each storage (the present form).
"""

import collections
import dataclasses
import io
import math
import os
import pathlib
import struct
import zipfile
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jtr_jax.tensor_files import restricted_pickle

_ZIP = b"PK\x03\x04"
_ZIP_END = b"PK\x05\x06"
_ZIP_END_SIZE = 22
_LEGACY = b"\x80\x02\x8a\x0a"
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_MAX_AXES = 32
_DTYPES = {
  "DoubleStorage": "<f8",
  "FloatStorage": "<f4",
  "HalfStorage": "<f2",
  "LongStorage": "<i8",
  "IntStorage": "<i4",
  "ShortStorage": "<i2",
  "CharStorage": "<i1",
  "ByteStorage": "<u1",
  "BoolStorage": "?",
}


def read_torch_tensors(
  path: str | os.PathLike[str],
) -> dict[str, np.ndarray]:
  """Return the tensors of a file that holds one dictionary of tensors.

  Args:
    path: a file written by `torch.save`, legacy or zip.

  Returns:
    A new C-contiguous array for each name.

  Raises:
    ValueError: the file is damaged, holds anything besides tensors by name, or
      tries to run code; nothing is run.
  """
  source = os.fspath(path)
  data = pathlib.Path(path).read_bytes()
  if data.startswith(_ZIP):
    content, storages = _read_zip(data, source)
  elif data.startswith(_LEGACY):
    content, storages = _read_legacy(data, source)
  else:
    raise restricted_pickle.broken(source, f"it begins with {data[:4]!r}")
  named = isinstance(content, dict) and all(
    isinstance(name, str) and isinstance(value, _Tensor)
    for name, value in content.items()
  )
  if not named:
    raise restricted_pickle.broken(source, "no dictionary of tensors")
  return {
    name: _resolve(tensor, storages, f"{source}, {name!r}")
    for name, tensor in content.items()
  }


class _Storage(NamedTuple):
  key: str
  dtype: np.dtype
  numel: int


@dataclasses.dataclass(frozen=True)
class _Tensor:
  storage: _Storage
  offset: int
  shape: tuple[int, ...]
  strides: tuple[int, ...]


class _Rebuild:
  """Stands for `torch._utils._rebuild_tensor_v2`: only notes its arguments."""

  __slots__ = ()

  def __call__(
    self, storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any
  ) -> _Tensor:
    del rest  # requires_grad, hooks, metadata
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, _Storage) or not all(map(_is_size, numbers)):
      raise ValueError("a tensor without a storage, or of negative size")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


_NAMES: restricted_pickle.Names = {
  ("torch._utils", "_rebuild_tensor_v2"): _Rebuild(),
  ("collections", "OrderedDict"): collections.OrderedDict,
  **{("torch", name): name for name in _DTYPES},
}


def _is_size(number: Any) -> bool:
  return type(number) is int and number >= 0


class _Keys:
  """Turns persistent ids into storages and remembers them by key."""

  def __init__(self) -> None:
    self.storages: dict[str, _Storage] = {}

  def __call__(self, pid: Any) -> _Storage:
    kind, name, key, _device, numel, *view = pid
    if kind != "storage" or not _is_size(numel) or any(view):
      raise ValueError("a persistent id of an unknown form")
    storage = _Storage(str(key), np.dtype(_DTYPES[name]), numel)
    if self.storages.setdefault(storage.key, storage) != storage:
      raise ValueError(f"two storages with the key {key!r}")
    return storage


def _read_legacy(
  data: bytes, source: str
) -> tuple[Any, Mapping[str, np.ndarray]]:
  stream = io.BytesIO(data)
  keys = _Keys()
  head = [restricted_pickle.load(stream, {}, source=source) for _ in range(3)]
  if head[:2] != [_MAGIC, _PROTOCOL] or not _is_little(head[2]):
    raise restricted_pickle.broken(source, "an unknown header")
  content = restricted_pickle.load(
    stream, _NAMES, source=source, persistent=keys
  )
  order = restricted_pickle.load(stream, {}, source=source)
  if not isinstance(order, list) or set(order) != set(keys.storages):
    raise restricted_pickle.broken(source, "a wrong list of storages")
  storages = {}
  for key in order:
    storage = keys.storages[key]
    count = stream.read(8)
    raw = stream.read(storage.numel * storage.dtype.itemsize)
    if count != struct.pack("<q", storage.numel):
      raise restricted_pickle.broken(source, "a storage of another size")
    storages[key] = _to_array(raw, storage, source)
  if stream.read(1):
    raise restricted_pickle.broken(source, "bytes behind the last storage")
  return content, storages


def _is_little(info: Any) -> bool:
  return isinstance(info, dict) and info.get("little_endian") is True


def _read_zip(data: bytes, source: str) -> tuple[Any, Mapping[str, np.ndarray]]:
  if data[-_ZIP_END_SIZE:][: len(_ZIP_END)] != _ZIP_END:
    raise restricted_pickle.broken(source, "no end, or bytes behind it")
  keys = _Keys()
  try:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
      members = _read_members(archive)
  except Exception as error:  # a broken archive can raise nearly anything
    raise restricted_pickle.broken(source, error) from error
  if members.get("byteorder", b"little") != b"little":
    raise restricted_pickle.broken(source, "big-endian numbers")
  stream = io.BytesIO(members["data.pkl"])
  content = restricted_pickle.load(
    stream, _NAMES, source=source, persistent=keys
  )
  stored = {name for name in members if name.startswith("data/")}
  if stream.read(1) or stored != {f"data/{key}" for key in keys.storages}:
    raise restricted_pickle.broken(source, "parts that belong to no tensor")
  storages = {
    key: _to_array(members[f"data/{key}"], storage, source)
    for key, storage in keys.storages.items()
  }
  return content, storages


def _read_members(archive: zipfile.ZipFile) -> dict[str, bytes]:
  """Return the members by their name below the archive's one folder."""
  infos = archive.infolist()
  roots = {info.filename.partition("/")[0] for info in infos}
  names = [info.filename.partition("/")[2] for info in infos]
  if len(roots) != 1 or len(set(names)) != len(names):
    raise ValueError("members outside one folder, or twice")
  if "data.pkl" not in names:
    raise ValueError("no data.pkl")
  # torch never compresses; a compressed member could unpack to any size.
  if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
    raise ValueError("compressed members")
  return {
    name: archive.read(info) for name, info in zip(names, infos, strict=True)
  }


def _to_array(raw: bytes, storage: _Storage, source: str) -> np.ndarray:
  if len(raw) != storage.numel * storage.dtype.itemsize:
    raise restricted_pickle.broken(
      source,
      f"{len(raw)} bytes for {storage.numel} numbers of type {storage.dtype}",
    )
  if storage.dtype == np.bool_:
    return np.frombuffer(raw, np.uint8) != 0
  return np.frombuffer(raw, storage.dtype)


def _resolve(
  tensor: _Tensor, storages: Mapping[str, np.ndarray], source: str
) -> np.ndarray:
  """Return a copy of the tensor's view of its storage, bounds checked."""
  storage = storages[tensor.storage.key]
  shape, strides = tensor.shape, tensor.strides
  size = math.prod(shape)
  if len(shape) != len(strides) or len(shape) > _MAX_AXES:
    raise restricted_pickle.broken(source, f"shape {shape}, strides {strides}")
  if size == 0:
    return np.zeros(shape, storage.dtype)
  last = tensor.offset + sum(
    (length - 1) * stride for length, stride in zip(shape, strides, strict=True)
  )
  # A tensor larger than its storage repeats itself; it could have any size.
  if last >= storage.size or size > storage.size:
    raise restricted_pickle.broken(
      source,
      f"shape {shape}, strides {strides}, offset {tensor.offset} in a storage "
      f"of {storage.size} numbers",
    )
  view = np.lib.stride_tricks.as_strided(
    storage[tensor.offset :],
    shape,
    [stride * storage.itemsize for stride in strides],
  )
  return np.array(view, order="C")
