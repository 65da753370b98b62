"""Labels that say which classes a pixel may have, where they do not say which.

Data sets name different classes. Where one labels "background", the pixel has
some class that it does not label; where it labels "seat", a chair or a sofa.
Such a label is a *set* of classes. Ids from `num_classes` on are sets:
`num_classes + s` is the s-th. An id below it is a set of one class, so
everything here holds for it as well, and gives the numbers of ordinary labels.

Source: marginal likelihood over label super-sets, as in Cour et al., JMLR 2011
  (partial labels), and Fang and Yan, TMI 2020 (background of data sets that
  label different organs).
"""

from typing import Literal, TypeAlias

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors
from jtr_jax.tasks import masked

Sets: TypeAlias = tuple[tuple[int, ...], ...]
"""The classes of each set, in order."""

ClassLoss: TypeAlias = Literal["softmax", "sigmoid"]
"""One loss for all classes together, or one for each."""

_IMPOSSIBLE = -1e9  # logit: its probability is exactly 0, and finite arithmetic


def check(task: str, num_classes: int, sets: Sets) -> None:
  """Raise `ValueError` unless every set holds some classes, and not all."""
  for one in sets:
    known = all(0 <= c < num_classes for c in one)
    if not known or not 1 < len(set(one)) < num_classes:
      raise ValueError(
        errors.message(
          f"Task {task!r} has a set of classes that says nothing",
          found=f"{one} of {num_classes} classes",
          expected="two classes or more, and not all of them",
          do="Store a single class as its id, and -1 where any class may be.",
        )
      )


def membership(num_classes: int, sets: Sets) -> np.ndarray:
  """Return bool[C + S, C]: the classes that each id leaves possible."""
  table = np.zeros((num_classes + len(sets), num_classes), np.bool_)
  np.fill_diagonal(table, True)
  for row, one in enumerate(sets):
    table[num_classes + row, list(one)] = True
  return table


def possible(ids: jax.Array, num_classes: int, sets: Sets) -> jax.Array:
  """Return bool[..., C]: the classes that a label leaves possible.

  Args:
    ids: i32[...], in [0, C + S).
    num_classes: C.
    sets: S of them.
  """
  return jnp.take(
    jnp.asarray(membership(num_classes, sets)), ids, axis=0, mode="clip"
  )


def marginal(logits: jax.Array, may_be: jax.Array) -> jax.Array:
  """Return -log of the summed probability of the possible classes.

  -log sum_{c in S} softmax(logits)_c. For a single class it is the
  cross-entropy, bit for bit, and so is its gradient.

  Args:
    logits: f32[..., C].
    may_be: bool[..., C], at least one of them.

  Returns:
    f32[...].
  """
  log_probability = jax.nn.log_softmax(logits)
  return -jax.nn.logsumexp(
    jnp.where(may_be, log_probability, -jnp.inf), axis=-1
  )


def each_class(logits: jax.Array, may_be: jax.Array) -> jax.Array:
  """Return the logistic losses of the classes that are certain, summed.

  A class outside the set is not there; a single possible class is there; of
  several possible ones nothing is known, and their logits change nothing.

  Args:
    logits: f32[..., C].
    may_be: bool[..., C].

  Returns:
    f32[...].
  """
  is_open = may_be & (jnp.sum(may_be, axis=-1, keepdims=True) > 1)
  safe = jnp.where(is_open, 0, logits)
  loss = jax.nn.softplus(safe) - safe * may_be
  return jnp.sum(jnp.where(is_open, 0, loss), axis=-1)


def restrict(logits: jax.Array, may_be: jax.Array) -> jax.Array:
  """Return logits whose soft-max is 0 for the impossible classes.

  Args:
    logits: f32[..., C].
    may_be: bool[..., C].

  Returns:
    f32[..., C]; the ratios between the others are kept.
  """
  return jnp.where(may_be, logits, _IMPOSSIBLE)


def overlaps(
  ids: jax.Array,
  predicted: jax.Array,
  counted: jax.Array,
  known: jax.Array,
) -> dict[str, jax.Array]:
  """Return pixels by class, each class in the images that know it.

  Args:
    ids: i32[B, H, W], labels, sets among them.
    predicted: i32[B, H, W], class ids.
    counted: bool[B, H, W].
    known: bool[B, C].

  Returns:
    i32[C] each: `labelled`, `predicted`, and `right`, where both agree.
  """
  size = known.shape[-1]
  chex.assert_equal_shape([ids, predicted, counted])

  def of(classes: jax.Array) -> jax.Array:
    """Whether a pixel's class is one that its image knows."""
    flat = jnp.clip(classes, 0, size - 1).reshape(len(known), -1)
    found = jnp.take_along_axis(known, flat, axis=1).reshape(classes.shape)
    return counted & (classes < size) & found

  labelled = of(ids)
  return {
    "labelled": masked.histogram(ids, labelled, size),
    "predicted": masked.histogram(predicted, of(predicted), size),
    "right": masked.histogram(ids, labelled & (ids == predicted), size),
  }
