"""The section `model`; see `settings`."""

import dataclasses
from typing import Literal

from jtr_jax.config.part import INLINE, Part


@dataclasses.dataclass(frozen=True)
class ModelSettings:
  """The network, and what it starts from.

  Attributes:
    network: "segnet", or a backbone with a head for each task.
    weights: "package" for those of `jtr_jax[pretrained]`, a folder made by
      `jtr_jax.weights import` (its backbone is taken), or the workdir of a run
      (encoder and the heads of the same tasks are taken); "": random.
    weights_step: which checkpoint of a run.
    weights_ignore: patterns of parameters that stay random although the weights
      have them, such as "decoder_segmentation".
  """

  network: Part = dataclasses.field(metadata=INLINE)
  weights: str = ""
  weights_step: Literal["latest", "best"] = "latest"
  weights_ignore: tuple[str, ...] = ()
