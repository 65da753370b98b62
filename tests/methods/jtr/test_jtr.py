"""What must hold for JTR, in the paper's form, the released one and others."""

import dataclasses
import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.core.types import Label, ViewSpec
from jtr_jax.methods.jtr.jtr import jtr
from jtr_jax.methods.jtr.settings import PAPER, RELEASED
from jtr_jax.tasks.classification import Classification
from tests.methods import partial_batch as batch
from tests.methods.partial_batch import ALL, KEY, NONE, ONE, TASKS, TWO

SCENE = Classification("scene", 3)


SETTINGS = {"paper": PAPER, "released": RELEASED}

every_variant = pytest.mark.parametrize("variant", SETTINGS)


@pytest.fixture(scope="module")
def reports(predictions, labels):
  return {
    name: batch.report(settings, predictions, labels)
    for name, settings in SETTINGS.items()
  }


def is_zero(tree):
  return not any(np.any(leaf) for leaf in jax.tree.leaves(tree))


def encoding_half(params):
  return params["trunk"]["encoder0"]


def decoding_half(params):
  return params["trunk"]["decoder0"], params["head"]


def reached(slopes, above=0.0):
  """Return bool[V, B, task]: which predictions have a gradient."""
  columns = [
    np.any(np.abs(slopes[task.name]) > above, axis=(2, 3, 4)) for task in TASKS
  ]
  return np.stack(columns, axis=-1)


@every_variant
def test_terms(reports, variant):
  output = reports[variant].output
  extra = {"jtr_autoencoder_distance"} if variant == "released" else set()
  assert set(output.regularizers) == {
    "jtr_distance",
    "jtr_reconstruction",
    *extra,
  }
  assert set(output.task_losses) == {task.name for task in TASKS}
  for term in output.regularizers.values():
    chex.assert_shape(term, (4,))
    assert np.all(term[np.array([ONE, TWO, ALL])] > 0)


@every_variant
def test_supervised_losses_do_not_reach_the_autoencoder(reports, variant):
  params, slopes = reports[variant].gradients["supervised"]
  assert is_zero(params)
  expected = np.zeros((batch.VIEWS, 4, 3), bool)
  expected[0] = batch.PRESENT
  chex.assert_trees_all_equal(reached(slopes), expected)


def test_the_papers_distance_reaches_both_networks(reports):
  params, slopes = reports["paper"].gradients["jtr_distance"]
  assert not is_zero(encoding_half(params))
  assert is_zero(decoding_half(params))
  expected = np.zeros((batch.VIEWS, 4, 3), bool)
  expected[0, [ONE, TWO, ALL]] = True
  # Two equal tensors may have codes that differ by a rounding.
  chex.assert_trees_all_equal(reached(slopes, above=1e-10), expected)


def test_the_released_distance_of_view_1_trains_the_model_alone(reports):
  params, slopes = reports["released"].gradients["jtr_distance"]
  assert is_zero(params)
  expected = np.zeros((batch.VIEWS, 4, 3), bool)
  expected[1] = ~batch.PRESENT
  chex.assert_trees_all_equal(reached(slopes), expected)


def test_the_released_distance_of_view_2_trains_the_encoding_half(reports):
  params, slopes = reports["released"].gradients["jtr_autoencoder_distance"]
  assert is_zero(slopes)
  assert not is_zero(encoding_half(params))
  assert is_zero(decoding_half(params))


@every_variant
def test_reconstruction_trains_the_whole_autoencoder_alone(reports, variant):
  params, slopes = reports[variant].gradients["jtr_reconstruction"]
  assert is_zero(slopes)
  assert not is_zero(encoding_half(params))
  for part in decoding_half(params):
    assert not is_zero(part)


@every_variant
def test_hidden_values_do_not_matter(reports, predictions, labels, variant):
  chex.assert_tree_all_finite(reports[variant])
  poisoned = batch.report(SETTINGS[variant], predictions, batch.poison(labels))
  chex.assert_trees_all_equal(poisoned, reports[variant])


@every_variant
def test_order_of_the_tasks(predictions, labels, variant):
  order = (2, 0, 1)
  params, state = batch.make_variables(batch.make_autoencoder())
  tasks = tuple(TASKS[k] for k in order)
  starts = np.cumsum([0, *(task.joint_channels for task in TASKS)])
  channels = np.concatenate(
    [np.arange(starts[k], starts[k + 1]) for k in order]
  )
  permuted = jax.tree.map(lambda leaf: leaf, params)
  first, last = (
    permuted["trunk"]["encoder0"]["conv0"],
    permuted["head"]["conv1"],
  )
  first["kernel"] = first["kernel"][:, :, channels]
  last["kernel"] = last["kernel"][..., channels]
  last["bias"] = last["bias"][channels]
  pick = lambda values: {task.name: values[task.name] for task in tasks}
  other = batch.make_method(SETTINGS[variant], tasks).losses(
    permuted, state, batch.make_input(pick(predictions), pick(labels))
  )
  output = batch.losses(SETTINGS[variant], predictions, labels)
  chex.assert_trees_all_close(other, output, rtol=1e-3, atol=1e-4)


def test_a_batch_is_what_its_images_are(labels, predictions):
  settings = dataclasses.replace(RELEASED, relaxation="straight_through")
  together = batch.losses(settings, predictions, labels)
  run = jax.jit(batch.make_method(settings).losses)
  params, state = batch.make_variables(batch.make_autoencoder())
  outputs = []
  for image in range(len(batch.PRESENT)):
    alone = lambda x, i=image: x[:, i : i + 1]
    one = batch.make_input(*jax.tree.map(alone, (predictions, labels)))
    outputs.append(run(params, state, one))
    state = outputs[-1].state
  chex.assert_trees_all_close(
    outputs[-1].state, together.state, rtol=1e-4, atol=1e-5
  )
  per_image = [output._replace(state={}) for output in outputs]
  joined = jax.tree.map(lambda *x: jnp.concatenate(x), *per_image)
  chex.assert_trees_all_close(
    joined, together._replace(state={}), rtol=1e-4, atol=1e-5
  )


def test_hidden_values_do_not_matter_to_two_colourings(predictions, labels):
  settings = dataclasses.replace(PAPER, unlabelled="consistency")
  clean, poisoned = (
    batch.losses(settings, predictions, given)
    for given in (labels, batch.poison(labels))
  )
  chex.assert_tree_all_finite(clean)
  chex.assert_trees_all_equal(poisoned, clean)


def test_perfect_predictions_have_no_distance(labels):
  perfect = batch.perfect_predictions(labels)
  settings = dataclasses.replace(PAPER, relaxation="straight_through")
  distance = batch.losses(settings, perfect, labels).regularizers[
    "jtr_distance"
  ]
  assert np.all(np.abs(distance) < 1e-10)


def test_the_state_moves_and_keeps_its_structure(reports):
  _, state = batch.make_variables(batch.make_autoencoder())
  for report in reports.values():
    after = report.output.state
    chex.assert_trees_all_equal_shapes_and_dtypes(after, state)
    means = lambda tree: tree["trunk"]["encoder0"]["norm0"]["mean"]
    assert not np.array_equal(means(after), means(state))


@every_variant
def test_one_compilation_for_every_scenario(reports, predictions, variant):
  for present in (np.eye(3, dtype=bool)[[0, 1, 2, 0]], np.zeros((4, 3), bool)):
    labels = batch.make_labels(present)
    report = batch.report(SETTINGS[variant], predictions, labels)
    chex.assert_tree_all_finite(report)
    chex.assert_trees_all_equal(
      np.asarray(report.output.task_losses["depth"].weight > 0), present[:, 1]
    )
  assert batch.reporter(SETTINGS[variant])._cache_size() == 1


def test_a_single_task(labels, predictions):
  tasks = TASKS[1:2]
  method = batch.make_method(PAPER, tasks)
  variables = batch.make_variables(batch.make_autoencoder(tasks))
  one = lambda values: {"depth": values["depth"]}
  output = jax.jit(method.losses)(
    *variables, batch.make_input(one(predictions), one(labels))
  )
  chex.assert_tree_all_finite(output)
  distance = output.regularizers["jtr_distance"]
  assert np.all(distance[np.array([TWO, ALL])] > 0)
  assert np.all(np.abs(distance[np.array([ONE, NONE])]) < 1e-10)


def test_bfloat16_autoencoder(predictions, labels, reports):
  autoencoder = batch.make_autoencoder(dtype=jnp.bfloat16)
  method = jtr(TASKS, autoencoder, PAPER)
  params, state = batch.make_variables(autoencoder)

  @functools.partial(jax.value_and_grad, has_aux=True)
  def objective(params):
    inputs = batch.make_input(predictions, labels)
    output = method.losses(params, state, inputs)
    terms = output.regularizers
    return jnp.sum(terms["jtr_distance"] + terms["jtr_reconstruction"]), output

  (_, output), slopes = jax.jit(objective)(params)
  chex.assert_tree_all_finite((output, slopes))
  wide = reports["paper"].output
  chex.assert_trees_all_equal_dtypes(output, wide)
  chex.assert_trees_all_close(
    output.regularizers["jtr_reconstruction"],
    wide.regularizers["jtr_reconstruction"],
    rtol=0.1,
  )


def test_pictures_show_the_tensors_of_the_losses(predictions, labels):
  method = batch.make_method(PAPER)
  variables = batch.make_variables(batch.make_autoencoder())
  inputs = batch.make_input(predictions, labels)
  views = batch.joint_views(method, *variables, inputs)
  chex.assert_equal_shape(views)
  chex.assert_shape(views.target, (4, *batch.SIZE, 7))
  chex.assert_trees_all_close(views.target[NONE], views.prediction[NONE])
  # Where a label is missing the prediction stands in for it.
  segmentation, rest = np.split(np.asarray(views.target[ONE]), [3], axis=-1)
  chex.assert_trees_all_close(rest, views.prediction[ONE, ..., 3:])
  assert np.any(segmentation != views.prediction[ONE, ..., :3])


def test_views():
  views = lambda **changes: (
    jtr(
      TASKS, batch.make_autoencoder(), dataclasses.replace(PAPER, **changes)
    ).views
  )
  first = ViewSpec(None)
  assert views() == (first,)
  recoloured = ViewSpec(0, geometric=False)
  assert views(unlabelled="consistency") == (first, recoloured)
  separate = (first, ViewSpec(0), ViewSpec(0))
  assert views(separate_views=True) == separate
  both = views(separate_views=True, unlabelled="consistency")
  assert both == (*separate, ViewSpec(1, geometric=False))


def test_init_fits_the_losses(predictions, labels):
  method = batch.make_method(PAPER)
  variables = jax.eval_shape(
    functools.partial(method.init, size=batch.SIZE), KEY
  )
  chex.assert_trees_all_equal_shapes(
    variables, batch.make_variables(batch.make_autoencoder())
  )


def test_an_autoencoder_of_the_wrong_width():
  with pytest.raises(ValueError, match=r"Found: 4 output.*Expected: 7"):
    jtr(TASKS, batch.make_autoencoder(TASKS[:2]))


def test_labels_are_not_needed_where_nothing_is_labelled(predictions):
  labels = batch.make_labels(np.zeros((4, 3), bool))
  hidden = {
    name: Label(jnp.full_like(label.value, -1), ~label.valid, label.present)
    for name, label in labels.items()
  }
  report = batch.report(PAPER, predictions, hidden)
  chex.assert_tree_all_finite(report)
  assert np.all(np.abs(report.output.regularizers["jtr_distance"]) < 1e-10)
  assert is_zero(report.gradients["supervised"])


@pytest.mark.parametrize(
  ("tasks", "settings", "message"),
  [
    ((SCENE,), PAPER, "a map among the tasks"),
    ((SCENE, TASKS[1]), RELEASED, "released reconstruction"),
  ],
)
def test_labels_of_images_need_a_map_beside_them(tasks, settings, message):
  with pytest.raises(ValueError, match=message):
    jtr(tasks, batch.make_autoencoder(tasks), settings)
