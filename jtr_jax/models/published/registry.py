"""Every published network by name."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from jtr_jax.core import errors
from jtr_jax.models.base import FLOAT32, Compute, Tree
from jtr_jax.models.published import (
  efficientnet_lite,
  network,
  released_segnet,
  tensors,
  timm,
  torchvision,
  transformers,
)
from jtr_jax.models.published.network import Build, PublishedNetwork, Sizes

NETWORKS: Mapping[str, Build] = MappingProxyType(
  {
    **{
      f"{library.NAME}.{name}": build
      for library in (torchvision, timm, transformers, efficientnet_lite)
      for name, build in library.networks()
    },
    **dict(released_segnet.networks()),
  }
)


def find(
  name: str,
  shapes: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
  compute: Compute = FLOAT32,
) -> PublishedNetwork:
  """Return a published network.

  Args:
    name: <library>.<architecture>, such as "torchvision.resnet50".
    shapes: of the tensors of a file; the number of classes and the like are
      taken from it.
    compute: how it is computed.

  Raises:
    ValueError: an unknown name, naming the nearest.
  """
  if name not in NETWORKS:
    raise errors.unknown_name("published network", name, NETWORKS)
  build = NETWORKS[name]
  found = build(name, Sizes(), compute)
  sizes = found.sizes(shapes)
  return found if sizes == Sizes() else build(name, sizes, compute)


def load(
  name: str,
  given: Mapping[str, np.ndarray],
  *,
  ignore: Sequence[str] = (),
  dtype: Any = np.float32,
) -> Tree:
  """Return a network's variables from published tensors.

  Args:
    name: <library>.<architecture>, such as "torchvision.resnet50".
    given: every tensor by its published name; counters of batches are skipped.
    ignore: patterns such as "fc.*" of names that may be left over or missing;
      what is missing is left out.
    dtype: of the variables.

  Returns:
    {"params": {"backbone": ..., "top": ...}, "batch_stats": ...}, arrays on the
    host; without "batch_stats" if there is no batch norm.

  Raises:
    ValueError: an unknown network, or a tensor that is missing, left over or of
      another shape, with its name.
  """
  shapes = {key: np.shape(array) for key, array in given.items()}
  return network.read(find(name, shapes), given, ignore=ignore, dtype=dtype)


def export(name: str, variables: Tree) -> dict[str, np.ndarray]:
  """Return variables under the published names, the inverse of `load`.

  Args:
    name: <library>.<architecture>.
    variables: as `load` returns them; without "top" for the backbone alone.
  """
  return tensors.write(find(name).tables[0], variables)


def guess(names: Sequence[str]) -> tuple[str, ...]:
  """Return the networks that have exactly these tensors, if any."""
  given = {name for name in names if not name.endswith(tensors.COUNTER)}
  return tuple(
    name
    for name, build in NETWORKS.items()
    for table in build(name, Sizes(), FLOAT32).tables
    if {row.name for row in table} == given
  )
