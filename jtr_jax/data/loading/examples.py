"""The form in which labels are stored, and its way to the device.

Every data set is brought to one form when it is prepared. A stored label is an
array whose own dtype has one code for "no ground truth here":

* class ids: a signed integer array [H, W], -1 where there is none;
* other whole numbers, such as yes (1) or no (0): a signed integer array
  [H, W, C], -1 where there is none;
* everything else: a float array [H, W, C], NaN where there is none.

H and W are those of the image, or of a coarser grid: [1, 1] for what is said of
an image as a whole. An image without a label for a task has no array at all.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import numerics
from jtr_jax.core.types import Label, Labels
from jtr_jax.data.records.stored_form import StoredForm


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Examples:
  """A batch, or a whole split, as stored.

  Attributes:
    image: u8[B, H, W, 3].
    stored: for each task the stored label [B, H, W] or [B, H, W, C]; anything
      where `present` is False.
    present: for each task bool[B].
    sample: i32[B], position of the image in its split.
    epoch: i32[B], how often the sample has been seen before.
    known: for the tasks of which images do not know every class, bool[B, C],
      see `Label.known`.
  """

  image: jax.Array
  stored: dict[str, jax.Array]
  present: dict[str, jax.Array]
  sample: jax.Array
  epoch: jax.Array
  known: dict[str, jax.Array] = dataclasses.field(default_factory=dict)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class WithExtra:
  """A batch, and one drawn independently of it.

  Attributes:
    batch: to train on.
    extra: that evaluates a step.
  """

  batch: Examples
  extra: Examples


def to_images(examples: Examples) -> jax.Array:
  """Return f32[B, H, W, 3] in [0, 1]."""
  return examples.image.astype(jnp.float32) / 255


def to_labels(examples: Examples) -> Labels:
  """Return the labels, with validity read off the code for "none".

  Args:
    examples: as stored.

  Returns:
    One `Label` for each task; i32 class ids or f32 values, 0 where invalid.
  """
  return {
    name: _to_label(stored, examples.present[name], examples.known.get(name))
    for name, stored in examples.stored.items()
  }


def to_stored(
  value: np.ndarray, valid: np.ndarray, form: StoredForm
) -> np.ndarray:
  """Return a label of one image as it is stored.

  Args:
    value: class ids [H, W] or numbers [H, W, C].
    valid: bool[H, W], False where the code for "none" is to stand.
    form: dtype and code of the task.
  """
  counted = valid if form.is_class_ids else valid[..., None]
  rounded = np.rint(value) if form.is_whole else value
  return np.where(counted, rounded, form.none_code).astype(form.dtype)


def _to_label(
  stored: jax.Array, present: jax.Array, known: jax.Array | None
) -> Label:
  """Return the label; of several whole numbers some may be missing (-1)."""
  if jnp.issubdtype(stored.dtype, jnp.integer):
    is_class_ids = stored.ndim == present.ndim + 2
    valid = stored >= 0 if is_class_ids else jnp.any(stored >= 0, axis=-1)
    value = stored.astype(jnp.int32 if is_class_ids else jnp.float32)
  else:
    valid = jnp.all(jnp.isfinite(stored), axis=-1)
    value = stored.astype(jnp.float32)
  return Label(numerics.fill(value, valid), valid, present, known)
