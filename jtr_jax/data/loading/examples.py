"""The form in which labels are stored, and its way to the device.

Every data set is brought to one form when it is prepared. A stored label is an
array whose own dtype has one code for "no ground truth here":

* class ids: a signed integer array [H, W], -1 where there is none;
* everything else: a float array [H, W, C], NaN where there is none.

An image without a label for a task has no array at all.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import numerics
from jtr_jax.core.types import Label, Labels
from jtr_jax.data.records.manifest import StoredForm


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
  """

  image: jax.Array
  stored: dict[str, jax.Array]
  present: dict[str, jax.Array]
  sample: jax.Array
  epoch: jax.Array


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class WithExtra:
  """A batch, and one drawn independently of it.

  Attributes:
    batch: to train on.
    extra: to judge a step by.
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
    name: _to_label(stored, examples.present[name])
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
  return np.where(counted, value, form.none_code).astype(form.dtype)


def _to_label(stored: jax.Array, present: jax.Array) -> Label:
  if jnp.issubdtype(stored.dtype, jnp.integer):
    valid = stored >= 0
    value = stored.astype(jnp.int32)
  else:
    valid = jnp.all(jnp.isfinite(stored), axis=-1)
    value = stored.astype(jnp.float32)
  return Label(numerics.fill(value, valid), valid, present)
