"""What is exported: one pure function of a batch of images."""

import dataclasses
from collections.abc import Callable
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.config.trained import Trained
from jtr_jax.core import errors
from jtr_jax.core.types import Predictions
from jtr_jax.inference.model import Model

Size: TypeAlias = tuple[int, int] | Literal["training"] | None
"""(H, W); None for any multiple of the stride; that of the training."""


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
  """A trained network as a function.

  Attributes:
    trained: what is exported.
    size: (H, W) of its images; None for any multiple of `stride`.
    stride: pixels of the image for one of the deepest map.
  """

  trained: Trained
  size: tuple[int, int] | None
  stride: int

  def __call__(self, images: jax.Array) -> Predictions:
    """Return each task's prediction for f32[B, H, W, 3] in [0, 1]."""
    own = self.trained
    predictions, _ = own.net.predict(
      own.params, own.model_state, images, train=False
    )
    return predictions

  @property
  def task_names(self) -> tuple[str, ...]:
    """Names of the outputs, in order."""
    return tuple(task.name for task in self.trained.tasks)

  def example(self, batch: int, *, larger: int = 0) -> np.ndarray:
    """Return f32[B, H, W, 3], noise that an exported file can be tried with.

    Args:
      batch: B.
      larger: strides that a network for any size gets more than it needs.
    """
    height, width = self.size or (
      self.stride * (1 + larger),
      self.stride * (2 + larger),
    )
    noise = np.random.default_rng(batch + larger)
    return noise.random((batch, height, width, 3), np.float32)


Exported: TypeAlias = Callable[[np.ndarray], dict[str, np.ndarray]]
"""An exported file, read again: images to predictions."""


def of_model(model: Model, size: Size) -> Network:
  """Return the network of a model of one run.

  Args:
    model: of one run.
    size: of the images.

  Raises:
    ValueError: several networks, or a size that they cannot have.
  """
  if len(model.members) != 1:
    folders = ", ".join(str(m.trained.folder) for m in model.members)
    raise ValueError(
      errors.message(
        "A file holds one network",
        found=f"{len(model.members)} runs: {folders}",
        expected="one",
        do="Export each of them to a file of its own.",
      )
    )
  trained = model.members[0].trained
  chosen = model.size if size == "training" else size
  if chosen and min(chosen) < 1:
    raise ValueError(f"Images of {chosen[0]}x{chosen[1]} pixels are none.")
  image = jax.ShapeDtypeStruct((1, *(chosen or model.size), 3), jnp.float32)
  features = jax.eval_shape(
    lambda x: trained.net.encode(
      trained.params, trained.model_state, x, train=False
    )[0],
    image,
  )
  return Network(trained, chosen, max(n for _, n in features.strides))
