"""Places of a published state dictionary's tensors in our parameters.

A table with a row for every tensor serves both ways, so that what was imported
can be exported without a difference.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np

from jtr_jax.core import errors
from jtr_jax.models.base import Tree

COUNTER = "num_batches_tracked"
"""Last part of the name of tensors that count batches; nothing reads them."""


class Layout(NamedTuple):
  """How the axes of a published tensor become those of a parameter.

  Attributes:
    read: published tensor -> parameter.
    write: parameter -> published tensor, the inverse.
  """

  read: Callable[[np.ndarray], np.ndarray]
  write: Callable[[np.ndarray], np.ndarray]


SAME = Layout(lambda x: x, lambda x: x)
KERNEL = Layout(  # [out, in, h, w] and [h, w, in, out]
  lambda x: x.transpose(2, 3, 1, 0), lambda x: x.transpose(3, 2, 0, 1)
)
MATRIX = Layout(np.transpose, np.transpose)  # [out, in] and [in, out]


class Tensor(NamedTuple):
  """A row of the table.

  Attributes:
    name: of the published tensor.
    path: of the parameter, or of the running average, in our variables.
    layout: how the axes change.
    part: (index, count) where the parameter holds several tensors side by side
      along its last axis.
  """

  name: str
  path: tuple[str, ...]
  layout: Layout = SAME
  part: tuple[int, int] = (0, 1)


def convolution(
  name: str, path: Sequence[str], *, bias: bool = False
) -> Iterator[Tensor]:
  """Yield the rows of a convolution, whatever its groups."""
  yield Tensor(f"{name}.weight", ("params", *path, "kernel"), KERNEL)
  if bias:
    yield Tensor(f"{name}.bias", ("params", *path, "bias"))


def linear(
  name: str, path: Sequence[str], layout: Layout = MATRIX
) -> Iterator[Tensor]:
  """Yield the rows of a linear layer with a bias."""
  yield Tensor(f"{name}.weight", ("params", *path, "kernel"), layout)
  yield Tensor(f"{name}.bias", ("params", *path, "bias"))


def norm(name: str, path: Sequence[str]) -> Iterator[Tensor]:
  """Yield the rows of a layer norm."""
  yield Tensor(f"{name}.weight", ("params", *path, "scale"))
  yield Tensor(f"{name}.bias", ("params", *path, "bias"))


def batch_norm(name: str, path: Sequence[str]) -> Iterator[Tensor]:
  """Yield the rows of a batch norm."""
  yield from norm(name, path)
  for published, own in (("running_mean", "mean"), ("running_var", "var")):
    yield Tensor(f"{name}.{published}", ("batch_stats", *path, own))


def conv_norm(
  conv: str, norm: str, path: Sequence[str], *, bias: bool = False
) -> Iterator[Tensor]:
  """Yield the rows of a `layers.ConvNorm`."""
  yield from convolution(conv, (*path, "conv"), bias=bias)
  yield from batch_norm(norm, (*path, "norm"))


def read(
  table: Sequence[Tensor],
  shapes: Mapping[tuple[str, ...], tuple[int, ...]],
  tensors: Mapping[str, np.ndarray],
  *,
  ignore: Sequence[str] = (),
) -> Tree:
  """Return our variables from published tensors, each of which is used.

  Args:
    table: of the network.
    shapes: of its variables, by path.
    tensors: by published name.
    ignore: patterns such as "fc.*" of names that may be left over or missing; a
      parameter whose tensors are missing is left out.

  Raises:
    ValueError: a tensor is missing, left over or of another shape.
  """
  rows = {row.name: row for row in table}
  skipped = lambda name: any(fnmatchcase(name, pattern) for pattern in ignore)
  given = {
    name for name in tensors if not skipped(name) and not name.endswith(COUNTER)
  }
  wanted = {name for name in rows if not skipped(name)}
  _require_all(sorted(wanted - given), sorted(given - wanted))
  parts: dict[tuple[str, ...], list[np.ndarray]] = {}
  for row in table:
    if row.name in given:
      array = np.asarray(tensors[row.name])
      _require_shape(row, array, shapes[row.path])
      parts.setdefault(row.path, []).append(row.layout.read(array))
  variables: Tree = {}
  for path, arrays in parts.items():
    *folders, leaf = path
    inner = variables
    for folder in folders:
      inner = inner.setdefault(folder, {})
    inner[leaf] = arrays[0] if len(arrays) == 1 else np.concatenate(arrays, -1)
  return variables


def write(table: Sequence[Tensor], variables: Tree) -> dict[str, np.ndarray]:
  """Return the published tensors from our variables, the inverse of `read`.

  Args:
    table: of the network.
    variables: whole parts such as a classifier may be missing; their tensors
      are then missing, too.
  """
  tensors = {}
  for row in table:
    value = variables
    for name in row.path:
      value = value.get(name, {}) if isinstance(value, Mapping) else value
    if isinstance(value, Mapping):
      continue
    index, count = row.part
    part = np.split(np.asarray(value), count, axis=-1)[index]
    tensors[row.name] = np.ascontiguousarray(row.layout.write(part))
  return tensors


def published_shape(row: Tensor, shape: tuple[int, ...]) -> tuple[int, ...]:
  """Return a published tensor's shape from that of our variable."""
  own = (*shape[:-1], shape[-1] // row.part[1])
  return row.layout.write(np.broadcast_to(np.int8(0), own)).shape


def _require_shape(
  row: Tensor, array: np.ndarray, shape: tuple[int, ...]
) -> None:
  expected = published_shape(row, shape)
  if array.shape != expected:
    raise ValueError(
      errors.message(
        f"Tensor {row.name!r} has the wrong shape",
        found=array.shape,
        expected=expected,
        do="Name the network that the file was written for.",
      )
    )


def _require_all(missing: list[str], unused: list[str]) -> None:
  """Raise `ValueError` if a tensor is missing or left over."""
  if missing or unused:
    found = [f"{_some(missing)} missing"] if missing else []
    found += [f"{_some(unused)} left over"] if unused else []
    raise ValueError(
      errors.message(
        "The tensors are not those of this network",
        found="; ".join(found),
        expected="each tensor of the network once and no other",
        do="Name the network that the file was written for, or ignore what "
        "you do not need by a pattern such as 'fc.*'.",
      )
    )


def _some(names: list[str], most: int = 4) -> str:
  """Return the first few names and how many others there are."""
  more = len(names) - most
  rest = f" and {more} more" if more > 0 else ""
  return ", ".join(map(repr, names[:most])) + rest
