import dataclasses
import functools
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core import rng
from jtr_jax.core.types import Label, ViewSpec
from jtr_jax.data.augment import geometry, views
from jtr_jax.data.augment.views import AugmentSettings
from jtr_jax.tasks.base import Geometry

B, H, W = 3, 12, 16


class FakeTask(NamedTuple):
  name: str
  geometry: Geometry
  grid: tuple[int, int] | None = None


TASKS = (
  FakeTask("segmentation", Geometry.CATEGORICAL),
  FakeTask("depth", Geometry.DEPTH),
  FakeTask("normals", Geometry.NORMALS),
  FakeTask("scene", Geometry.CATEGORICAL, (1, 1)),
)
JTR = (ViewSpec(None, True), ViewSpec(0, True), ViewSpec(0, True))
ZOOM = AugmentSettings(scales=(1.2, 1.5), colour_ops=0)


def batch(seed=0):
  random = np.random.default_rng(seed)
  normals = random.normal(size=(B, H, W, 3))
  normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
  values = {
    "segmentation": random.integers(0, 13, (B, H, W), np.int32),
    "depth": random.uniform(1, 5, (B, H, W, 1)).astype(np.float32),
    "normals": normals.astype(np.float32),
    "scene": random.integers(0, 9, (B, 1, 1), np.int32),
  }
  labels = {
    name: Label(
      jnp.asarray(value),
      jnp.asarray(random.random(value.shape[:3]) > 0.05),
      jnp.asarray(np.arange(B) != index),
    )
    for index, (name, value) in enumerate(values.items())
  }
  image = jnp.asarray(random.random((B, H, W, 3)), jnp.float32)
  return image, labels, jax.random.split(jax.random.key(seed), B)


DEFAULTS = AugmentSettings()


@functools.cache
def maker(specs=JTR, settings=DEFAULTS):
  @jax.jit
  @chex.assert_max_traces(n=1)
  def make(image, labels, keys):
    return views.make_views(image, labels, keys, TASKS, specs, settings)

  return make


def equal(a, b):
  jax.tree.map(np.testing.assert_array_equal, a, b)


def view(stacked, number):
  return jax.tree.map(lambda x: x[number], stacked)


def test_shapes_and_types():
  image, labels, keys = batch()
  images, view_labels = maker()(image, labels, keys)
  chex.assert_shape(images, (3, B, H, W, 3))
  assert images.dtype == jnp.float32
  expected = jax.tree.map(
    lambda x: jax.ShapeDtypeStruct((3, *x.shape), x.dtype), labels
  )
  chex.assert_trees_all_equal_shapes_and_dtypes(view_labels, expected)


def test_disabled_views_are_the_sample():
  image, labels, keys = batch()
  made = maker(settings=AugmentSettings(enabled=False))(image, labels, keys)
  for number in range(3):
    equal(view(made, number), (image, labels))


def test_a_view_without_geometry_is_its_parent_in_other_colours():
  specs = (ViewSpec(None, True), ViewSpec(0, False))
  image, labels, keys = batch()
  coloured = dataclasses.replace(ZOOM, colour_ops=2, colour_bins=(20,))
  images, view_labels = maker(specs, coloured)(image, labels, keys)
  equal(view(view_labels, 0), view(view_labels, 1))
  assert all((images[0] != images[1]).any(axis=(1, 2, 3)))


@jax.jit
@functools.partial(jax.vmap, in_axes=(0, 0, 0, None))
def crop(image, depth, key, number):
  box = geometry.draw_box(rng.stream(key, "crop", number), H, W, ZOOM.scales)
  cropped = geometry.crop_label(depth, box, Geometry.DEPTH)
  return geometry.crop_resize(image, box), cropped


def test_nested_views_are_crops_of_the_uncoloured_parent():
  image, labels, keys = batch()
  made = maker(settings=ZOOM)(image, labels, keys)
  for number, (source, source_labels) in (
    (0, (image, labels)),
    (1, view(made, 0)),
    (2, view(made, 0)),
  ):
    expected, depth = crop(source, source_labels["depth"], keys, number)
    np.testing.assert_allclose(made[0][number], expected, atol=1e-6)
    actual = made[1]["depth"].value[number]
    np.testing.assert_allclose(actual, depth.value, rtol=1e-6)


def test_independent_views_are_crops_of_the_sample():
  image, labels, keys = batch()
  settings = dataclasses.replace(ZOOM, views="independent")
  made = maker(settings=settings)(image, labels, keys)
  for number in range(3):
    expected, depth = crop(image, labels["depth"], keys, number)
    np.testing.assert_allclose(made[0][number], expected, atol=1e-6)
    actual = made[1]["depth"].value[number]
    np.testing.assert_allclose(actual, depth.value, rtol=1e-6)


def test_views_differ_and_follow_the_key():
  image, labels, keys = batch()
  first = maker()(image, labels, keys)
  equal(first, maker()(image, labels, keys))
  assert (first[0][1] != first[0][2]).any()
  assert (first[0] != maker()(image, labels, keys[::-1])[0]).any()


def test_a_sample_does_not_depend_on_its_neighbours():
  image, labels, keys = batch()
  expected = maker()(image, labels, keys)
  turned = jax.tree.map(lambda x: jnp.roll(x, 1, axis=0), (image, labels, keys))
  actual = maker()(*turned)
  equal(jax.tree.map(lambda x: jnp.roll(x, -1, axis=1), actual), expected)


def test_hidden_labels_do_not_matter():
  image, labels, keys = batch()
  poisoned = {}
  for name, label in labels.items():
    floating = jnp.issubdtype(label.value.dtype, jnp.floating)
    hidden = ~label.present.reshape(B, *[1] * (label.value.ndim - 1))
    poison = jnp.asarray(jnp.nan if floating else -(2**31), label.value.dtype)
    value = jnp.where(hidden, poison, label.value)
    valid = jnp.where(label.present[:, None, None], label.valid, True)
    poisoned[name] = Label(value, valid, label.present)
  equal(maker()(image, labels, keys), maker()(image, poisoned, keys))


def test_flips_happen_half_the_time_and_mirror_image_and_labels_together():
  settings = AugmentSettings(scales=(1.0,), flip=True, colour_ops=0)
  image, labels, _ = batch()
  flipped = []
  for seed in range(20):
    keys = jax.random.split(jax.random.key(seed), B)
    images, view_labels = maker(JTR[:1], settings)(image, labels, keys)
    for n in range(B):
      mirrored = bool((images[0, n] == image[n, :, ::-1]).all())
      source = image[n, :, ::-1] if mirrored else image[n]
      np.testing.assert_array_equal(images[0, n], source)
      label = jax.tree.map(lambda x, n=n: x[n], labels["depth"])
      label = geometry.flip_label(label, Geometry.DEPTH) if mirrored else label
      np.testing.assert_array_equal(
        view_labels["depth"].valid[0, n], label.mask
      )
      flipped.append(mirrored)
  assert 0.3 < np.mean(flipped) < 0.7


def test_one_compilation_serves_every_pattern_of_labels():
  image, labels, keys = batch()
  maker()(image, labels, keys)
  others = {
    name: Label(label.value, label.valid, ~label.present)
    for name, label in labels.items()
  }
  maker()(image, others, keys)


@pytest.mark.parametrize("parent", [-1, 0, 1])
def test_a_parent_that_is_not_earlier_is_refused(parent):
  image, labels, keys = batch()
  with pytest.raises(ValueError, match="parent of view 0"):
    views.make_views(
      image, labels, keys, TASKS, (ViewSpec(parent, True),), ZOOM
    )


@pytest.mark.parametrize(
  ("field", "value"),
  [
    ("scales", ()),
    ("scales", (0.5, 1.0)),
    ("colour_ops", -1),
    ("colour_bins", (31,)),
    ("normal_resize", "nearest"),
    ("inverse_depth_scale", "divide"),
    ("views", "nestd"),
  ],
)
def test_bad_settings_are_refused(field, value):
  with pytest.raises(ValueError, match=field):
    AugmentSettings(**{field: value})
