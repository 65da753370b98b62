"""Each switch of JTR: both behaviours."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.methods.jtr import joint_tensor
from jtr_jax.methods.jtr.joint_tensor import Stacking
from jtr_jax.methods.jtr.settings import PAPER, RELEASED
from jtr_jax.methods.supervised import view
from tests.methods import partial_batch as batch
from tests.methods.partial_batch import ALL, KEY, NONE, TASKS, TWO


def paper(**changes):
  return dataclasses.replace(PAPER, **changes)


def joint_views(settings, predictions, labels, key=KEY):
  """Return the joint tensors of view 0 and their reconstructions."""
  variables = batch.make_variables(batch.make_autoencoder())
  method = batch.make_method(settings)
  inputs = batch.make_input(predictions, labels, key)
  return batch.joint_views(method, *variables, inputs)


def bottlenecks(*tensors):
  autoencoder = batch.make_autoencoder()
  variables = batch.make_variables(autoencoder)
  points = [autoencoder(*variables, tensor)[0] for tensor in tensors]
  return [np.asarray(point, np.float64) for point in points]


def cosine_distance(a, b):
  """Return f64[B], averaged over the places of the bottleneck."""
  lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
  cosine = np.sum(a * b, axis=-1) / np.where(lengths == 0, 1, lengths)
  both_zero = ~np.any(a, axis=-1) & ~np.any(b, axis=-1)
  return np.where(both_zero, 0, 1 - cosine).mean((1, 2))


CLOSED_FORMS = {
  "cosine": cosine_distance,
  "l1": lambda a, b: np.abs(a - b).mean((1, 2, 3)),
  "l2": lambda a, b: np.square(a - b).mean((1, 2, 3)),
  "l1_norm": lambda a, b: np.abs(a - b).sum(-1).mean((1, 2)),
  "l2_norm": lambda a, b: np.linalg.norm(a - b, axis=-1).mean((1, 2)),
}


@pytest.mark.parametrize("distance", CLOSED_FORMS)
def test_distance(predictions, labels, distance):
  settings = paper(distance=distance)
  output = batch.losses(settings, predictions, labels)
  views = joint_views(settings, predictions, labels)
  points = bottlenecks(views.prediction, views.target)
  expected = 4 * CLOSED_FORMS[distance](*points)
  chex.assert_trees_all_close(
    np.asarray(output.regularizers["jtr_distance"], np.float64),
    expected,
    rtol=1e-3,
    atol=1e-5,
  )
  assert expected[TWO] > 1e-3


@pytest.mark.parametrize(
  ("label_weighting", "count"), [("image", 1 / 2), ("sum", 1)]
)
def test_label_weighting(predictions, labels, label_weighting, count):
  output = batch.losses(
    paper(label_weighting=label_weighting), predictions, labels
  )
  loss = view(labels, 0)["depth"]
  expected = TASKS[1].loss(predictions["depth"][0], loss).per_image()
  chex.assert_trees_all_close(
    output.task_losses["depth"].sum[TWO], count * expected[TWO], rtol=1e-5
  )


def test_recon_weight(predictions, labels):
  params, state = batch.make_variables(batch.make_autoencoder())
  method = batch.make_method(paper(recon_weight=0.0))

  def objective(params):
    inputs = batch.make_input(predictions, labels)
    output = method.losses(params, state, inputs)
    return jnp.sum(output.regularizers["jtr_distance"]), output

  slope, output = jax.jit(jax.grad(objective, has_aux=True))(params)
  assert set(output.regularizers) == {"jtr_distance"}
  with_it = batch.report(PAPER, predictions, labels)
  assert set(with_it.output.regularizers) == {
    "jtr_distance",
    "jtr_reconstruction",
  }
  trained, _ = with_it.gradients["jtr_reconstruction"]
  for part in (lambda p: p["trunk"]["decoder0"], lambda p: p["head"]):
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(part(slope)))
    assert any(np.any(leaf) for leaf in jax.tree.leaves(part(trained)))


def test_task_reconstruction(predictions, labels):
  output = batch.losses(PAPER, predictions, labels)
  views = joint_views(PAPER, predictions, labels)
  mask = joint_tensor.common_mask(TASKS, view(labels, 0))
  expected = 0
  for joint, rebuilt in (views[:2], views[2:]):
    parts = [joint_tensor.split_channels(TASKS, x) for x in (rebuilt, joint)]
    for task in TASKS:
      rebuilt_part, part = (x[task.name] for x in parts)
      loss = task.reconstruction_loss(rebuilt_part, part, mask)
      expected += 2 * loss.per_image()
  chex.assert_trees_all_close(
    output.regularizers["jtr_reconstruction"], expected, rtol=1e-4
  )


def test_released_reconstruction_is_another_number(predictions, labels):
  # Its formulas have a file of tests of their own.
  released = batch.losses(
    paper(reconstruction="released"), predictions, labels
  ).regularizers["jtr_reconstruction"]
  ours = batch.losses(PAPER, predictions, labels).regularizers[
    "jtr_reconstruction"
  ]
  assert np.all(np.abs(released - ours) > 1e-3)


def test_relaxation(predictions, labels):
  logits = predictions["segmentation"][0, NONE]
  largest = np.eye(batch.CLASSES)[np.argmax(logits, axis=-1)]
  codes = {
    relaxation: np.asarray(
      joint_views(paper(relaxation=relaxation), predictions, labels).prediction
    )[NONE, ..., : batch.CLASSES]
    for relaxation in ("straight_through", "softmax", "gumbel")
  }
  chex.assert_trees_all_close(
    codes["straight_through"], largest.astype(np.float32), atol=1e-6
  )
  chex.assert_trees_all_close(
    codes["softmax"], np.asarray(jax.nn.softmax(logits)), rtol=1e-5
  )
  chex.assert_trees_all_close(
    codes["gumbel"].max(-1), np.ones(batch.SIZE, "f4")
  )
  assert 0 < np.mean(codes["gumbel"].argmax(-1) == largest.argmax(-1)) < 1


def test_gumbel_noise_follows_the_key(predictions, labels):
  draws = [
    joint_views(PAPER, predictions, labels, jax.random.key(seed)).prediction
    for seed in (0, 0, 1)
  ]
  chex.assert_trees_all_equal(draws[0], draws[1])
  assert not np.array_equal(draws[0], draws[2])


@pytest.mark.parametrize(
  ("relaxation", "agrees"), [("straight_through", True), ("softmax", False)]
)
def test_autoencoder_relaxation(predictions, labels, relaxation, agrees):
  settings = dataclasses.replace(
    RELEASED,
    relaxation="straight_through",
    autoencoder_relaxation=relaxation,
  )
  terms = batch.losses(settings, predictions, labels).regularizers
  assert np.abs(terms["jtr_distance"][NONE]) < 1e-10
  distance = np.abs(terms["jtr_autoencoder_distance"][NONE])
  assert distance < 1e-10 if agrees else distance > 1e-3


@pytest.mark.parametrize("independent", [False, True])
def test_independent_draws(predictions, labels, independent):
  settings = paper(independent_draws=independent)
  terms = batch.losses(settings, predictions, labels).regularizers
  distance = np.abs(terms["jtr_distance"][NONE])
  assert distance > 1e-3 if independent else distance < 1e-10


def test_unlabelled_images_can_compare_two_colourings(predictions, labels):
  settings = paper(unlabelled="consistency", relaxation="softmax")
  none = paper(relaxation="softmax")
  terms = batch.losses(settings, predictions, labels).regularizers
  other = jax.tree.map(lambda x: x[1:], predictions)
  points = bottlenecks(
    joint_views(none, predictions, labels).prediction[NONE:ALL],
    joint_views(none, other, labels).prediction[NONE:ALL],
  )
  expected = 4 * cosine_distance(*points)
  assert expected > 1e-3
  chex.assert_trees_all_close(
    float(terms["jtr_distance"][NONE]), expected.item(), rtol=1e-3
  )
  alone = batch.losses(none, predictions, labels).regularizers
  chex.assert_trees_all_close(
    terms["jtr_distance"].at[NONE].set(0),
    alone["jtr_distance"].at[NONE].set(0),
    rtol=1e-5,
  )
  assert np.abs(alone["jtr_distance"][NONE]) < 1e-10


@pytest.mark.parametrize("independent", [False, True])
def test_two_colourings_share_their_draw(predictions, labels, independent):
  settings = paper(unlabelled="consistency", independent_draws=independent)
  equal = jax.tree.map(lambda x: x.at[1].set(x[0]), predictions)
  terms = batch.losses(settings, equal, labels).regularizers
  distance = np.abs(terms["jtr_distance"][NONE])
  assert distance > 1e-3 if independent else distance < 1e-10


@pytest.mark.parametrize("detach", [False, True])
def test_the_other_colouring_is_a_target(predictions, labels, detach):
  # For detach_target and detach_labelled see also the tests of joint tensors.
  settings = paper(
    unlabelled="consistency", stacking=Stacking(detach_target=detach)
  )

  @jax.jit
  @jax.grad
  def slopes(predictions):
    output = batch.losses(settings, predictions, labels)
    return output.regularizers["jtr_distance"][NONE]

  for slope in slopes(predictions).values():
    assert np.any(slope[0, NONE])
    assert np.any(slope[1, NONE]) == (not detach)


@pytest.mark.parametrize("label_mask", ["intersection", "own"])
def test_label_mask(labels, label_mask):
  settings = paper(
    relaxation="straight_through", stacking=Stacking(label_mask=label_mask)
  )
  perfect = batch.perfect_predictions(labels)
  distance = np.abs(
    batch.losses(settings, perfect, labels).regularizers["jtr_distance"]
  )
  several = distance[np.array([TWO, ALL])]
  if label_mask == "intersection":
    assert np.all(several < 1e-10)
  else:
    assert np.all(several > 1e-3)


@pytest.mark.parametrize("hole", ["zero", "encoded_zero"])
def test_hole(predictions, labels, hole):
  settings = paper(stacking=Stacking(hole=hole))
  views = joint_views(settings, predictions, labels)
  mask = joint_tensor.common_mask(TASKS, view(labels, 0))
  normals = jnp.concatenate([views.prediction, views.target])[..., 4:]
  holes = normals[~jnp.concatenate([mask, mask])]
  value = 0.0 if hole == "zero" else 0.5
  chex.assert_trees_all_equal(holes, jnp.full_like(holes, value))


def test_separate_views(predictions, labels):
  """One view does both, or view 1 and view 2 share the work."""
  changed = jax.tree.map(lambda x: x.at[1:].multiply(-1), predictions)
  for separate, sees in ((False, False), (True, True)):
    settings = paper(separate_views=separate)
    pair = [
      batch.losses(settings, p, labels).regularizers["jtr_distance"]
      for p in (predictions, changed)
    ]
    assert np.array_equal(*pair) == (not sees)


def test_distance_trains(predictions, labels):
  """The same value and the same pull on the model, with or without a pull on
  the auto-encoder."""
  both, model = (
    batch.report(paper(distance_trains=which), predictions, labels)
    for which in ("both", "model")
  )
  chex.assert_trees_all_equal(model.output, both.output)
  of_both, slopes_both = both.gradients["jtr_distance"]
  of_model, slopes_model = model.gradients["jtr_distance"]
  chex.assert_trees_all_close(slopes_model, slopes_both, rtol=1e-5, atol=1e-7)
  assert any(np.any(leaf) for leaf in jax.tree.leaves(of_both))
  assert not any(np.any(leaf) for leaf in jax.tree.leaves(of_model))
