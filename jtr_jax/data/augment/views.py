"""Augmented versions of a batch: which view is cut out of which, and how.

Geometry first, colour last: a view that is cropped out of another one starts
from its uncoloured pixels, and every view draws its own colours. Everything is
a function of a sample's key and the number of the view.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, TypeAlias, get_args

import jax
import jax.numpy as jnp

from jtr_jax.core import errors, rng
from jtr_jax.core.fields import NOT_EMPTY, Bound
from jtr_jax.core.types import Labels, ViewSpec
from jtr_jax.data.augment import colour, geometry
from jtr_jax.tasks.base import Task

Nesting: TypeAlias = Literal["nested", "independent"]
"""Whether a view with a parent is cut out of the parent or of the sample."""

_Sample: TypeAlias = tuple[jax.Array, Labels]


class _Motion(NamedTuple):
  mirrored: jax.Array
  box: geometry.Box


@dataclasses.dataclass(frozen=True)
class AugmentSettings:
  """How views are drawn; frozen and hashable, so static under `jax.jit`.

  Attributes:
    enabled: False: every view is the sample, unchanged.
    scales: magnifications of the random scale crop.
    flip: mirror left to right with probability 1/2 before each crop. The
      released NYUv2 loader does not; its Cityscapes loader does, except that
      view 2 discards its mirrored image and is cropped out of view 0 as it is.
    colour_ops: colour operations in a row for each view; 0 for none.
    colour_bins: strengths of these that occur, out of 0 to 30, drawn uniformly.
    normal_resize: see `geometry.crop_label`.
    inverse_depth_scale: see `geometry.crop_label`.
    views: "nested": a view with a parent is cropped out of it, as released:
      zooms multiply, up to 2.25, and so do the changes of depth.
      "independent": every crop is taken from the sample.

  Source: released loaders and command lines of Nishi et al., CVPR 2024.
  """

  enabled: bool = True
  scales: Annotated[tuple[float, ...], NOT_EMPTY, Bound(low=1, high=8)] = (
    1.0,
    1.2,
    1.5,
  )
  flip: bool = False
  colour_ops: Annotated[int, Bound(low=0, high=64)] = 2
  colour_bins: Annotated[
    tuple[int, ...], NOT_EMPTY, Bound(low=0, high=colour.BINS - 1)
  ] = (0, 1, 2, 3, 4, 5)
  normal_resize: geometry.NormalResize = "renormalise"
  inverse_depth_scale: geometry.InverseDepthScale = "multiply"
  views: Nesting = "nested"

  def __post_init__(self) -> None:
    _require(
      bool(self.scales) and all(1 <= scale <= 8 for scale in self.scales),
      field="scales",
      found=self.scales,
      expected="one or more magnifications from 1 to 8",
    )
    _require(
      self.colour_ops >= 0,
      field="colour_ops",
      found=self.colour_ops,
      expected="0 or more operations",
    )
    _require(
      bool(self.colour_bins)
      and all(0 <= number < colour.BINS for number in self.colour_bins),
      field="colour_bins",
      found=self.colour_bins,
      expected=f"one or more numbers from 0 to {colour.BINS - 1}",
    )
    for field, choices in (
      ("normal_resize", get_args(geometry.NormalResize)),
      ("inverse_depth_scale", get_args(geometry.InverseDepthScale)),
      ("views", get_args(Nesting)),
    ):
      if getattr(self, field) not in choices:
        raise errors.unknown_name(
          f"augment.{field}", getattr(self, field), choices
        )


def make_views(
  image: jax.Array,
  labels: Labels,
  keys: jax.Array,
  tasks: tuple[Task, ...],
  specs: tuple[ViewSpec, ...],
  settings: AugmentSettings,
) -> tuple[jax.Array, Labels]:
  """Return the views of a batch and their labels.

  A sample's views depend on that sample and its key only. Under a batch that is
  sharded over devices call this inside `jax.shard_map`: see
  `colour.rand_augment`.

  Args:
    image: f32[B, H, W, 3] in [0, 1].
    labels: for each task its `Label`; hidden labels may hold anything, and are
      empty in a cropped view.
    keys: key[B], such as a function of (seed, epoch, sample id).
    tasks: static; they say how their labels follow the geometry.
    specs: static; one for each view.
    settings: static.

  Returns:
    (images f32[V, B, H, W, 3], labels with a leading axis V).

  Raises:
    ValueError: a view's parent is not an earlier view.

  Source: Nishi et al., CVPR 2024: view 0 is a crop of the sample, views 1 and 2
    are crops of view 0, each with its own RandAugment.
  """
  origins, slots = _plan(specs, settings)
  sample = (image, {task.name: labels[task.name] for task in tasks})
  crops = _cut(sample, keys, origins, tasks, settings)
  images, view_labels = jax.tree.map(lambda x: x[jnp.asarray(slots)], crops)
  if settings.enabled and settings.colour_ops:
    images = _recolour(images, keys, settings)
  return images, view_labels


def _plan(
  specs: Sequence[ViewSpec], settings: AugmentSettings
) -> tuple[dict[int, int], list[int]]:
  """Return the parent of every crop, and the place of every view.

  Slot 0 is the sample, slot n the n-th crop. The first result maps the number
  of each cropped view, in order, to the slot it is cut out of; the second holds
  the slot of every view.
  """
  origins: dict[int, int] = {}
  slots: list[int] = []
  for number, spec in enumerate(specs):
    _check_parent(number, spec)
    slot = 0 if spec.parent is None else slots[spec.parent]
    if spec.geometric and settings.enabled:
      origins[number] = slot if settings.views == "nested" else 0
      slot = len(origins)
    slots.append(slot)
  return origins, slots


def _cut(
  sample: _Sample,
  keys: jax.Array,
  origins: dict[int, int],
  tasks: tuple[Task, ...],
  settings: AugmentSettings,
) -> _Sample:
  """Return the sample and its crops, stacked along a leading axis of slots."""
  height, width = sample[0].shape[1:3]
  draw = lambda view: jax.vmap(
    lambda key: _draw(key, view, height, width, settings)
  )(keys)
  move = jax.vmap(functools.partial(_move, tasks=tasks, settings=settings))

  # A loop, because a compiler that sees one crop inside another merges them and
  # interpolates every pixel of the inner one several times.
  def step(
    crops: _Sample, plan: tuple[jax.Array, jax.Array, _Motion]
  ) -> tuple[_Sample, None]:
    origin, slot, motion = plan
    source = jax.tree.map(lambda x: x[origin], crops)
    moved = move(source, motion)
    return jax.tree.map(lambda x, new: x.at[slot].set(new), crops, moved), None

  count = len(origins)
  crops = jax.tree.map(
    lambda x: jnp.zeros((1 + count, *x.shape), x.dtype).at[0].set(x), sample
  )
  plan = (
    jnp.asarray(list(origins.values()), jnp.int32),
    jnp.arange(1, 1 + count, dtype=jnp.int32),
    jax.vmap(draw)(jnp.asarray(list(origins), jnp.int32)),
  )
  return jax.lax.scan(step, crops, plan)[0]


def _draw(
  key: jax.Array,
  view: jax.Array,
  height: int,
  width: int,
  settings: AugmentSettings,
) -> _Motion:
  """Return how a view of the sample with this key moves."""
  crop_key = rng.stream(key, "crop", view)
  return _Motion(
    mirrored=jax.random.bernoulli(rng.stream(key, "flip", view)),
    box=geometry.draw_box(crop_key, height, width, settings.scales),
  )


def _move(
  sample: _Sample,
  motion: _Motion,
  *,
  tasks: tuple[Task, ...],
  settings: AugmentSettings,
) -> _Sample:
  """Return one sample mirrored, where the settings say so, and cropped."""
  if settings.flip:
    sample = jax.tree.map(
      lambda new, old: jnp.where(motion.mirrored, new, old),
      _mirror(sample, tasks),
      sample,
    )
  image, labels = sample
  size = (image.shape[0], image.shape[1])
  return geometry.crop_resize(image, motion.box), {
    task.name: geometry.crop_cells(labels[task.name], motion.box, size)
    if task.grid
    else geometry.crop_label(
      labels[task.name],
      motion.box,
      task.geometry,
      normal_resize=settings.normal_resize,
      inverse_depth_scale=settings.inverse_depth_scale,
    )
    for task in tasks
  }


def _mirror(sample: _Sample, tasks: tuple[Task, ...]) -> _Sample:
  image, labels = sample
  return geometry.flip(image), {
    task.name: geometry.flip_label(labels[task.name], task.geometry)
    for task in tasks
  }


def _recolour(
  images: jax.Array, keys: jax.Array, settings: AugmentSettings
) -> jax.Array:
  """Return f32[V, B, H, W, 3], each image with its own colour operations."""
  views, batch = images.shape[:2]
  draws = jax.vmap(
    lambda view: jax.vmap(lambda key: rng.stream(key, "colour", view))(keys)
  )(jnp.arange(views, dtype=jnp.int32))
  flat = colour.rand_augment(
    images.reshape(views * batch, *images.shape[2:]),
    draws.reshape(views * batch),
    count=settings.colour_ops,
    bins=settings.colour_bins,
  )
  return flat.reshape(images.shape)


def _check_parent(number: int, spec: ViewSpec) -> None:
  if spec.parent is not None and not 0 <= spec.parent < number:
    raise ValueError(
      errors.message(
        f"The parent of view {number} is not an earlier view",
        found=spec.parent,
        expected=f"None, or a number from 0 to {number - 1}",
        do="Order the views so that a parent comes before its children.",
      )
    )


def _require(holds: bool, *, field: str, found: object, expected: str) -> None:
  if not holds:
    raise ValueError(
      errors.message(
        f"Bad augmentation setting {field!r}",
        found=found,
        expected=expected,
        do=f"Set augment.{field} accordingly.",
      )
    )
