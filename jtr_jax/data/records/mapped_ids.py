"""Sample ids of many images: in a file, read where they are asked for."""

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np

MANY = 100_000
"""From so many images on, ids are kept in a file of their own."""

_BLOCK = 1 << 16  # ids that are decoded at once


class MappedIds(Sequence[str]):
  """Ids in an npy file of bytes, memory-mapped; small when pickled.

  Every id is there once, as the records were checked when they were written.
  """

  def __init__(self, path: Path) -> None:
    """Open the file that `write` has written."""
    self._path = path
    self._array = np.load(path, mmap_mode="r", allow_pickle=False)

  def __len__(self) -> int:
    return len(self._array)

  @overload
  def __getitem__(self, index: int) -> str: ...
  @overload
  def __getitem__(self, index: slice) -> tuple[str, ...]: ...
  def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
    found = self._array[index]
    if isinstance(index, slice):
      return tuple(one.decode() for one in found.tolist())
    return bytes(found).decode()

  def __iter__(self) -> Iterator[str]:
    for start in range(0, len(self), _BLOCK):
      yield from self[start : start + _BLOCK]

  def __eq__(self, other: object) -> bool:
    if isinstance(other, MappedIds):
      return np.array_equal(self._array, other._array)
    return isinstance(other, Sequence) and tuple(self) == tuple(other)

  def __hash__(self) -> int:
    return self.checksum

  def __reduce__(self) -> tuple[type["MappedIds"], tuple[Path]]:
    return type(self), (self._path,)

  @property
  def order(self) -> np.ndarray:
    """i64[N]: the places of the ids in ascending order."""
    return np.argsort(self._array, kind="stable")

  @property
  def checksum(self) -> int:
    """CRC-32 of the ids, in their order."""
    return zlib.crc32(np.ascontiguousarray(self._array).data)


def write(path: Path, ids: Sequence[str]) -> None:
  """Write ids as an npy file of bytes (UTF-8)."""
  np.save(path, np.array([one.encode() for one in ids]))


def kept(ids: Sequence[str]) -> Sequence[str]:
  """Return ids as they are kept: a tuple, or where they are in a file."""
  return ids if isinstance(ids, MappedIds) else tuple(ids)
