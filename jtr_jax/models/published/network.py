"""A published network: backbone, top, and the names of its tensors."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.models.base import Compute, Tree, apply
from jtr_jax.models.published import tensors
from jtr_jax.models.published.tensors import Tensor


class Sizes(NamedTuple):
  """What may be different in a file of the same network.

  Attributes:
    classes: of the classifier or of the segmentation.
    channels: of the images.
    filters: widths of the stages of a SegNet; () for the usual ones.
    outputs: channels of the heads of a SegNet; () for those of NYUv2.
  """

  classes: int = 1000
  channels: int = 3
  filters: tuple[int, ...] = ()
  outputs: tuple[int, ...] = ()


class WithTop(nn.Module):
  """A backbone and what a published network has on top of it.

  Attributes:
    backbone: image -> maps.
    top: (image, maps) -> further outputs; None for nothing.
  """

  backbone: nn.Module
  top: nn.Module | None

  def __call__(self, x: jax.Array, *, train: bool) -> dict[str, jax.Array]:
    """Return the maps and the top's outputs of x [B, H, W, C]."""
    maps = self.backbone(x, train=train)
    more = {} if self.top is None else self.top(x, maps, train=train)
    return {**maps, **more}


@dataclasses.dataclass(frozen=True, eq=False)
class PublishedNetwork:
  """A network as a library publishes it.

  Attributes:
    name: <library>.<architecture>.
    module: image f[B, H, W, C], normalised -> outputs by our own names.
    tables: where the published tensors lie in the variables, for every way in
      which releases of the library spell the names; files are written in the
      first one.
    stages: published name of an output -> our name.
    classifier: published name of the tensor that has a row for each class.
    stem: published name of the first kernel.
    side: of an image that the network can read, pixels.
    measure: shapes of the published tensors -> sizes; None: the classifier's
      tensor tells the number of classes.
  """

  name: str
  module: nn.Module
  tables: tuple[tuple[Tensor, ...], ...]
  stages: Mapping[str, str]
  classifier: str = ""
  stem: str = ""
  side: int = 64
  measure: Callable[[Mapping[str, tuple[int, ...]]], Sizes] | None = None

  def sizes(self, shapes: Mapping[str, tuple[int, ...]]) -> Sizes:
    """Return the sizes that the shapes of a file's tensors imply."""
    if self.measure is not None:
      return self.measure(shapes)
    if self.classifier in shapes:
      return Sizes(shapes[self.classifier][0])
    return Sizes()

  def __call__(
    self, variables: Tree, images: jax.Array, *, train: bool = False
  ) -> dict[str, jax.Array]:
    """Return every output, by its published name.

    Args:
      variables: "params" and, if there is batch norm, "batch_stats".
      images: f[B, H, W, C], normalised as the network expects it.
      train: whether batch norm takes the statistics of the batch.

    Returns:
      Maps [B, h, w, C], tokens [B, N, C] and scores [B, classes].
    """
    outputs, _ = apply(
      self.module,
      variables["params"],
      variables.get("batch_stats", {}),
      images,
      train=train,
    )
    return {name: outputs[own] for name, own in self.stages.items()}

  def shapes(self, channels: int = 3) -> dict[tuple[str, ...], tuple[int, ...]]:
    """Return the shape of every variable by its path."""
    shape = (1, self.side, self.side, channels)
    image = jax.ShapeDtypeStruct(shape, jnp.float32)
    init = functools.partial(self.module.init, train=False)
    tree = jax.eval_shape(init, jax.random.key(0), image)
    return {
      tuple(str(key.key) for key in path): leaf.shape
      for path, leaf in jax.tree.leaves_with_path(tree)
    }


Build: TypeAlias = Callable[[str, Sizes, Compute], PublishedNetwork]
"""(name, sizes, how it is computed) -> network."""


def read(
  network: PublishedNetwork,
  given: Mapping[str, np.ndarray],
  *,
  ignore: Sequence[str] = (),
  dtype: Any = np.float32,
) -> Tree:
  """Return a network's variables from its tensors; see `tensors.read`."""
  stem = given.get(network.stem)
  channels = 3 if stem is None else np.shape(stem)[1]
  table = max(
    network.tables, key=lambda table: sum(row.name in given for row in table)
  )
  variables = tensors.read(
    table, network.shapes(channels), given, ignore=ignore
  )
  return jax.tree.map(lambda x: np.asarray(x, dtype), variables)
