"""Multi-CIFAR100: 20 tasks, each telling the five classes of a domain apart.

From the published Python version of CIFAR-100. Every image has one label, for
the task of its domain.
"""

import dataclasses
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.datasets import listing
from jtr_jax.data.datasets.cifar_classes import DOMAINS, FINE
from jtr_jax.data.datasets.raw import (
  OnProblem,
  RawDataset,
  RawTask,
  Row,
  raise_error,
)
from jtr_jax.tensor_files import restricted_pickle

SIZE = (32, 32)
OBTAIN = (
  "Download and unpack cifar-100-python.tar.gz from "
  "https://www.cs.toronto.edu/~kriz/cifar.html (161 MB)"
)

_FILES = {"train": "train", "val": "test"}  # split -> file
_NAMES = tuple(DOMAINS)
_DOMAIN_OF = np.array(
  [next(k for k, n in enumerate(DOMAINS.values()) if f in n) for f in FINE]
)
_PLACE_OF = np.array(
  [next(n.index(f) for n in DOMAINS.values() if f in n) for f in FINE]
)


class _Batch(NamedTuple):
  """One of the published files: u8[N, 32, 32, 3] and class ids i64[N]."""

  images: np.ndarray
  fine: np.ndarray


def is_here(raw: Path) -> bool:
  """Return whether the unpacked files exist at a path."""
  return _root(raw) is not None


def scan(raw: Path, *, on_problem: OnProblem = raise_error) -> RawDataset:
  """Return the data set.

  Args:
    raw: the folder, or one that holds it as `cifar-100-python`.
    on_problem: called for a missing file.

  Returns:
    Splits "train" and "val" (the published test images).

  Raises:
    ValueError: the files are missing, broken or of another kind.
  """
  root = _root(raw)
  if root is None:
    raise listing.not_found(
      "CIFAR-100", raw, ("cifar-100-python/{train,test,meta}",), OBTAIN + "."
    )
  files = _Files()
  splits: dict[str, list[Row]] = {}
  for split, name in _FILES.items():
    path = root / name
    if not path.is_file():
      on_problem(listing.missing_file(path))
      continue
    domains = _DOMAIN_OF[files.batch(path).fine]
    splits[split] = [
      Row(f"{split}_{i:05d}", (path, i), {_NAMES[domain]: (path, i)})
      for i, domain in enumerate(domains.tolist())
    ]
  return RawDataset(
    name="cifar",
    tasks={
      name: RawTask(
        {"kind": "classification", "classes": list(classes)}, files.label
      )
      for name, classes in DOMAINS.items()
    },
    splits=splits,
    source={"val": "the published test images"},
    size=SIZE,
    read_image=files.image,
    image_size=files.image_size,
  )


@dataclasses.dataclass
class _Files:
  """Reads images and labels; a file is read whole when first asked for."""

  batches: dict[Path, _Batch] = dataclasses.field(default_factory=dict)

  def __getstate__(self) -> dict[str, Any]:
    """Return nothing that was read."""
    return {"batches": {}}

  def batch(self, path: Path) -> _Batch:
    """Return a whole file."""
    if path not in self.batches:
      self.batches[path] = _read(path)
    return self.batches[path]

  def image(self, place: tuple[Path, int]) -> np.ndarray:
    """Return u8[32, 32, 3]."""
    return self.batch(place[0]).images[place[1]]

  def image_size(self, place: tuple[Path, int]) -> tuple[int, int]:
    """Return the size of every image."""
    del place
    return SIZE

  def label(self, place: tuple[Path, int]) -> np.ndarray:
    """Return int8[1, 1], the place of the class in its domain."""
    fine = self.batch(place[0]).fine[place[1]]
    return np.full((1, 1), _PLACE_OF[fine], np.int8)


def _root(raw: Path) -> Path | None:
  folders = (raw, raw / "cifar-100-python")
  return next((f for f in folders if (f / "meta").is_file()), None)


def _read(path: Path) -> _Batch:
  """Read one of the pickles, without running what it may ask for."""
  source = str(path)
  stream = io.BytesIO(path.read_bytes())
  content = restricted_pickle.load(stream, _PICKLE_NAMES, source=source)
  try:
    pixels = content["data"].array()
    fine = np.asarray(content["fine_labels"], np.int64)
    coarse = np.asarray(content["coarse_labels"], np.int64)
  except (AttributeError, KeyError, TypeError, ValueError) as error:
    found = f"{type(error).__name__}: {error}"
    raise _broken(path, found, "data, fine_labels, coarse_labels") from error
  if pixels.shape != (len(fine), 3 * SIZE[0] * SIZE[1]) or not len(fine):
    found = f"{len(fine)} labels for pixels {list(pixels.shape)}"
    raise _broken(path, found, "3072 pixels for each label")
  if fine.min() < 0 or fine.max() >= len(FINE):
    raise _broken(path, f"class {fine.max()}", f"0 to {len(FINE) - 1}")
  if not np.array_equal(coarse, _DOMAIN_OF[fine]):
    raise _broken(path, "classes in other domains", "those of CIFAR-100")
  return _Batch(pixels.reshape(-1, 3, *SIZE).transpose(0, 2, 3, 1), fine)


def _broken(path: Path, found: str, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is not a file of the Python version of CIFAR-100",
      found=found,
      expected=expected,
      do=OBTAIN + ".",
    )
  )


class _Dtype:
  """Stands for the dtype of a pickled array."""

  def __init__(self, code: str) -> None:
    self.code = code

  def __setstate__(self, state: Any) -> None:
    del state  # byte order: of one byte there is none


class _Array:
  """Stands for a pickled array of bytes."""

  shape: tuple[int, ...] = ()
  raw: bytes = b""

  def __setstate__(self, state: Any) -> None:
    _, shape, dtype, fortran, raw = state
    if not isinstance(dtype, _Dtype) or dtype.code != "u1" or fortran:
      raise ValueError("an array of other values than bytes, row by row")
    self.shape = tuple(map(int, shape))
    # What Python 2 wrote as a text holds one byte a letter.
    self.raw = raw.encode("latin1") if isinstance(raw, str) else bytes(raw)

  def array(self) -> np.ndarray:
    """Return the array."""
    return np.frombuffer(self.raw, np.uint8).reshape(self.shape)


class _MakeDtype:
  """Stands for `numpy.dtype`; has no attribute that a pickle could change."""

  __slots__ = ()

  def __call__(self, code: Any, *flags: Any) -> _Dtype:
    return _Dtype(code)


class _MakeArray:
  """Stands for numpy's `_reconstruct`."""

  __slots__ = ()

  def __call__(self, *arguments: Any) -> _Array:
    return _Array()


_PICKLE_NAMES: Mapping[tuple[str, str], Any] = {
  ("numpy", "ndarray"): "ndarray",
  ("numpy", "dtype"): _MakeDtype(),
  ("numpy.core.multiarray", "_reconstruct"): _MakeArray(),
}
