"""Arrays from a `torch.save` file, without torch and without running code.

Two flavours: five pickles followed by raw storages (the legacy form, in which
the released label splits and old models are), and a zip archive with one pickle
and one member for each storage (the present form).
"""

import io
import math
import os
import pathlib
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from jtr_jax.tensor_files import restricted_pickle
from jtr_jax.tensor_files.torch_names import NAMES, Keys, Storage, Tensor

Choose: TypeAlias = Callable[[Any], Mapping[str, Tensor]]
"""From the content of a file, in which a `Tensor` stands for each tensor, to
the wanted ones by name."""

_ZIP = b"PK\x03\x04"
_ZIP_END = b"PK\x05\x06"
_ZIP_END_SIZE = 22
_LEGACY = b"\x80\x02\x8a\x0a"
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_MAX_AXES = 32


def read_torch_tensors(
  path: str | os.PathLike[str], choose: Choose | None = None
) -> dict[str, np.ndarray]:
  """Return tensors of a file.

  Args:
    path: a file written by `torch.save`, legacy or zip.
    choose: picks the tensors and names them; None: the file is one dictionary
      of tensors, and all of them are wanted.

  Returns:
    A C-contiguous array for each name, perhaps not writable.

  Raises:
    ValueError: the file is damaged, holds anything besides tensors by name, or
      tries to run code; nothing is run. Besides what `choose` raises.
  """
  source = os.fspath(path)
  with pathlib.Path(path).open("rb") as file:
    start = file.read(len(_ZIP))
  if start == _ZIP:
    return _read_zip(path, source, choose or _all_of(source))
  if start == _LEGACY:
    return _read_legacy(path, source, choose or _all_of(source))
  raise restricted_pickle.broken(source, f"it begins with {start!r}")


def _all_of(source: str) -> Choose:
  """Return the function that picks all tensors, if there is nothing else."""

  def choose(content: Any) -> Mapping[str, Tensor]:
    if isinstance(content, dict) and all(
      isinstance(name, str) and isinstance(value, Tensor)
      for name, value in content.items()
    ):
      return content
    raise restricted_pickle.broken(source, "no dictionary of tensors")

  return choose


def _read_legacy(
  path: str | os.PathLike[str], source: str, choose: Choose
) -> dict[str, np.ndarray]:
  stream = io.BytesIO(pathlib.Path(path).read_bytes())
  keys = Keys()
  head = [restricted_pickle.load(stream, {}, source=source) for _ in range(3)]
  if head[:2] != [_MAGIC, _PROTOCOL] or not _is_little(head[2]):
    raise restricted_pickle.broken(source, "an unknown header")
  content = restricted_pickle.load(
    stream, NAMES, source=source, persistent=keys
  )
  order = restricted_pickle.load(stream, {}, source=source)
  if not isinstance(order, list) or set(order) != set(keys.storages):
    raise restricted_pickle.broken(source, "a wrong list of storages")
  whole, storages = stream.getbuffer(), {}
  for key in order:
    storage = keys.storages[key]
    count, start = stream.read(8), stream.tell()
    end = start + storage.numel * storage.dtype.itemsize
    if count != struct.pack("<q", storage.numel):
      raise restricted_pickle.broken(source, "a storage of another size")
    storages[key] = _to_array(whole[start:end], storage, source)
    stream.seek(end)
  if stream.read(1):
    raise restricted_pickle.broken(source, "bytes behind the last storage")
  return _resolve_all(choose(content), storages.__getitem__, source)


def _is_little(info: Any) -> bool:
  return isinstance(info, dict) and info.get("little_endian") is True


def _read_zip(
  path: str | os.PathLike[str], source: str, choose: Choose
) -> dict[str, np.ndarray]:
  with pathlib.Path(path).open("rb") as file:
    file.seek(max(0, file.seek(0, os.SEEK_END) - _ZIP_END_SIZE))
    if file.read(len(_ZIP_END)) != _ZIP_END:
      raise restricted_pickle.broken(source, "no end, or bytes behind it")
    try:
      archive = zipfile.ZipFile(file)
      members = _members(archive)
    except Exception as error:  # a broken archive can raise nearly anything
      raise restricted_pickle.broken(source, error) from error
    return _read_members(archive, members, source, choose)


def _read_members(
  archive: zipfile.ZipFile,
  members: Mapping[str, zipfile.ZipInfo],
  source: str,
  choose: Choose,
) -> dict[str, np.ndarray]:
  """Return the wanted tensors of an open archive; reads no other storages."""

  def read(name: str) -> bytes:
    try:
      return archive.read(members[name])
    except Exception as error:  # a broken archive can raise nearly anything
      raise restricted_pickle.broken(source, error) from error

  if "byteorder" in members and read("byteorder") != b"little":
    raise restricted_pickle.broken(source, "big-endian numbers")
  keys, stream = Keys(), io.BytesIO(read("data.pkl"))
  content = restricted_pickle.load(
    stream, NAMES, source=source, persistent=keys
  )
  stored = {name for name in members if name.startswith("data/")}
  if stream.read(1) or stored != {f"data/{key}" for key in keys.storages}:
    raise restricted_pickle.broken(source, "parts that belong to no tensor")
  storages: dict[str, np.ndarray] = {}

  def storage_of(key: str) -> np.ndarray:
    if key not in storages:
      raw = read(f"data/{key}")
      storages[key] = _to_array(raw, keys.storages[key], source)
    return storages[key]

  return _resolve_all(choose(content), storage_of, source)


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
  """Return the members by their name below the archive's one folder."""
  infos = archive.infolist()
  roots = {info.filename.partition("/")[0] for info in infos}
  names = [info.filename.partition("/")[2] for info in infos]
  if "constants.pkl" in names:
    raise ValueError("a TorchScript program, as torch.jit.save writes it")
  if len(roots) != 1 or len(set(names)) != len(names):
    raise ValueError("members outside one folder, or twice")
  if "data.pkl" not in names:
    raise ValueError("no data.pkl")
  # torch never compresses; a compressed member could unpack to any size.
  if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
    raise ValueError("compressed members")
  return dict(zip(names, infos, strict=True))


def _to_array(
  raw: bytes | memoryview, storage: Storage, source: str
) -> np.ndarray:
  if len(raw) != storage.numel * storage.dtype.itemsize:
    raise restricted_pickle.broken(
      source,
      f"{len(raw)} bytes for {storage.numel} numbers of type {storage.dtype}",
    )
  if storage.dtype == np.bool_:
    return np.frombuffer(raw, np.uint8) != 0
  return np.frombuffer(raw, storage.dtype)


def _resolve_all(
  tensors: Mapping[str, Tensor],
  storage_of: Callable[[str], np.ndarray],
  source: str,
) -> dict[str, np.ndarray]:
  return {
    name: _resolve(
      tensor, storage_of(tensor.storage.key), f"{source}, {name!r}"
    )
    for name, tensor in tensors.items()
  }


def _resolve(tensor: Tensor, storage: np.ndarray, source: str) -> np.ndarray:
  """Return the tensor's view of its storage, bounds checked, in C order."""
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
  return np.ascontiguousarray(view).reshape(shape)
