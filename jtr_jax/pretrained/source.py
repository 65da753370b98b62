"""Where trained weights come from, and what they are under our names."""

from typing import NamedTuple

from jtr_jax.models import published
from jtr_jax.models.base import Tree
from jtr_jax.models.initial_weights import InitialWeights
from jtr_jax.models.published import efficientnet_lite
from jtr_jax.models.segnet import SegNet
from jtr_jax.pretrained import package
from jtr_jax.pretrained.imported import Imported

PACKAGE = "package"
"""What stands for the package that `jtr_jax[pretrained]` installs."""


_INPUTS = {efficientnet_lite.NAME: efficientnet_lite.INPUT}
"""How the networks of a library expect images, if not as ImageNet's usual."""


class Source(NamedTuple):
  """Trained weights, before anything is known of the network to be trained.

  Attributes:
    about: what they are, for messages.
    weights: under our names, by stage.
    input: how they expect images, as `model.input` has it; "" if unknown.
    not_offered: names of tensors that come with them and have no place in a
      multi-task network, such as a classifier's.
  """

  about: str
  weights: InitialWeights
  input: str = ""
  not_offered: tuple[str, ...] = ()


def of_published(found: Imported) -> Source:
  """Return a published network's backbone as the backbone of an encoder.

  A released SegNet has its whole trunk as the encoder. What stands on top, a
  classifier or a head, is not offered: it belongs to other classes.

  Args:
    found: the network with its weights.
  """
  top = {
    kind: {"top": tree["top"]}
    for kind, tree in found.variables.items()
    if "top" in tree
  }
  module = published.find(found.network).module
  is_whole = isinstance(getattr(module, "backbone", None), SegNet)

  library = found.network.partition(".")[0]

  def encoder(kind: str) -> Tree:
    backbone = found.variables.get(kind, {}).get("backbone", {})
    return {"encoder": backbone if is_whole else {"backbone": backbone}}

  return Source(
    found.network,
    InitialWeights(encoder("params"), encoder("batch_stats")),
    "" if is_whole else _INPUTS.get(library, "imagenet"),
    tuple(published.export(found.network, top)),
  )


def of_package() -> Source:
  """Return the weights of the package.

  Raises:
    ValueError: it is not installed.
  """
  tensors = package.read().tensors
  variables = published.load(package.NETWORK, tensors)
  return of_published(Imported(package.NETWORK, variables, {}))
