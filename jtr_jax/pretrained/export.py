"""A trained network as the library that published it would save it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np

from jtr_jax.core import errors
from jtr_jax.models import parameter_names, published
from jtr_jax.models.base import Tree
from jtr_jax.models.multitask import decoder_name
from jtr_jax.pretrained import package

_SEGNET = "segnet"
_RELEASED = "jtr.segnet"
_LIBRARIES = ("torchvision", "timm", package.NETWORK.partition(".")[0])


class Exported(NamedTuple):
  """A network under published names.

  Attributes:
    network: <library>.<architecture>.
    tensors: by published name.
    left_out: our names of what the published network does not have, such as the
      heads of tasks.
    missing: published names of what ours does not have, such as a classifier.
  """

  network: str
  tensors: dict[str, np.ndarray]
  left_out: tuple[str, ...]
  missing: tuple[str, ...]


def usual_network(backbone: str) -> str:
  """Return the published network of a backbone.

  Args:
    backbone: "segnet" or a key of `BACKBONES`.

  Raises:
    ValueError: nobody has published one.

  Example:
    >>> usual_network("resnet50"), usual_network("dinov2_small_reg4")
    ('torchvision.resnet50', 'timm.vit_small_patch14_reg4_dinov2')
  """
  if backbone == _SEGNET:
    return _RELEASED
  family, _, rest = backbone.partition("_")
  size, _, registers = rest.partition("_")
  middle = f"_{registers}" if registers else ""
  patch = {"dinov2": 14, "dinov3": 16}.get(family)
  names = [
    *(f"{library}.{backbone}" for library in _LIBRARIES),
    f"timm.vit_{size}_patch{patch}{middle}_{family}",
  ]
  for name in names:
    if name in published.NETWORKS:
      return name
  raise ValueError(
    errors.message(
      "No published network is known for this one",
      found=backbone,
      expected="SegNet or a backbone of this package",
      do="Name one with --network, see python -m jtr_jax.weights list.",
    )
  )


def export(
  network: str, params: Tree, model_state: Tree, tasks: Sequence[str]
) -> Exported:
  """Return a network under the names of a published one.

  Of a network with a backbone that is the backbone, of a SegNet all.

  Args:
    network: <library>.<architecture>.
    params: by stage.
    model_state: likewise.
    tasks: their names, in order.

  Raises:
    ValueError: an unknown network, or one that ours is not.
  """
  is_segnet = "backbone" not in params["encoder"]
  trees = {"params": params, "batch_stats": model_state}
  variables = {
    kind: _variables(tree, tasks if is_segnet else ())
    for kind, tree in trees.items()
  }
  tensors = published.export(network, variables)
  table = published.find(network).tables[0]
  missing = tuple(row.name for row in table if row.name not in tensors)
  found = published.load(network, tensors, ignore=missing)
  lacking = [
    "/".join(row.path)
    for row in table
    if row.name in missing and "backbone" in row.path
  ]
  _require_equal(network, found, variables, lacking)
  stages = set() if is_segnet else {decoder_name(task) for task in tasks}
  left = tuple(
    name
    for name in parameter_names.names(params)
    if name.partition("/")[0] in stages or name.startswith("encoder/neck/")
  )
  return Exported(network, tensors, left, missing)


def _variables(tree: Tree, tasks: Sequence[str]) -> Tree:
  """Return parameters, or statistics, as the published network has them."""
  encoder = tree["encoder"]
  heads = {
    f"task{index}": tree[decoder_name(task)]
    for index, task in enumerate(tasks, start=1)
    if tree.get(decoder_name(task))
  }
  backbone = encoder.get("backbone", {}) if not tasks else encoder
  return {"backbone": backbone, **({"top": heads} if heads else {})}


def _require_equal(
  network: str, found: Tree, own: Tree, lacking: Sequence[str]
) -> None:
  """Raise unless a network comes back as it was, bit for bit."""
  ours, theirs = (
    {
      parameter_names.name_of(path): np.asarray(leaf)
      for path, leaf in jax.tree.leaves_with_path(tree)
    }
    for tree in (own, found)
  )
  differing = sorted(
    {
      *lacking,
      *(n for n in ours.keys() | theirs.keys() if not _same(ours, theirs, n)),
    }
  )
  if differing:
    raise ValueError(
      errors.message(
        "This network is not the published one",
        found=f"{len(differing)} differing parameters, first {differing[0]}",
        expected=network,
        do="Name the network that it is with --network; one of other widths "
        "cannot be exported.",
      )
    )


def _same(
  ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray], name: str
) -> bool:
  pair = ours.get(name), theirs.get(name)
  if pair[0] is None or pair[1] is None:
    return False
  return bool(np.array_equal(pair[0], pair[1]))
