"""What must hold for MTPSL, in the paper's form and in the released one."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.methods import task_pairs
from jtr_jax.methods.mtpsl import FILM, PAPER, RELEASED, mtpsl
from tests.methods import partial_batch as batch
from tests.methods.partial_batch import ALL, NONE, ONE, TASKS, TWO
from tests.methods.small_mtpsl import (
  ABSENT,
  SETTINGS,
  VIEW,
  compiled,
  cross_task,
  every_variant,
  make_mapping,
  make_method,
  noiseless,
  pair_by_pair,
  params,
  reporter,
)


@pytest.fixture(scope="module")
def reports(predictions, labels):
  return {
    name: reporter(settings)(params(), {}, predictions, labels)
    for name, settings in SETTINGS.items()
  }


@pytest.mark.parametrize("weight", [0.0, 0.5])
@pytest.mark.parametrize("fully_labelled", ["none", "all_pairs"])
def test_the_term_is_what_single_pairs_give(
  predictions, labels, weight, fully_labelled
):
  settings = noiseless(regularizer_weight=weight, fully_labelled=fully_labelled)
  expected = 2 * pair_by_pair(
    predictions, labels, weight, fully_labelled == "all_pairs"
  )
  assert (expected[ALL] > 0) == (fully_labelled == "all_pairs")
  chex.assert_trees_all_close(
    np.asarray(cross_task(settings, predictions, labels), np.float64),
    expected,
    rtol=1e-4,
    atol=1e-5,
  )


def test_all_pairs_of_an_image_with_all_labels_train_every_task(
  predictions, labels
):
  """The released code sums all pairs with `--ssl-type full`."""
  released = dataclasses.replace(RELEASED, fully_labelled="all_pairs")
  report = reporter(released)(params(), {}, predictions, labels)
  chex.assert_tree_all_finite(report)
  maps, slopes = report.gradients["cross_task"]
  expected = np.zeros((batch.VIEWS, 4, 3), bool)
  expected[1, [ONE, TWO]] = ~batch.PRESENT[[ONE, TWO]]
  expected[1, ALL] = True
  chex.assert_trees_all_equal(reached(slopes), expected)
  assert np.all(np.any(maps["stage0_layer0"]["gamma"], axis=-1))
  poisoned = reporter(released)(params(), {}, predictions, batch.poison(labels))
  chex.assert_trees_all_equal(poisoned, report)


def without_a_valid_pixel(labels, task, image):
  label = labels[task]
  valid = label.valid.at[:, image].set(False)
  return {**labels, task: dataclasses.replace(label, valid=valid)}


@every_variant
def test_a_label_without_a_valid_pixel(predictions, labels, variant):
  """It is no label; the released code pairs it like any other."""
  empty = without_a_valid_pixel(labels, "depth", TWO)
  settings = dataclasses.replace(
    SETTINGS[variant], relaxation="straight_through"
  )
  term = cross_task(settings, predictions, empty)
  present = batch.PRESENT.copy()
  present[TWO, 1] = False
  absent = cross_task(settings, predictions, batch.make_labels(present))
  if variant == "paper":
    chex.assert_trees_all_equal(term, absent)
  else:
    assert abs(float(term[TWO] - absent[TWO])) > 1e-3


@every_variant
def test_images_with_all_labels_or_none_contribute_nothing(reports, variant):
  chex.assert_tree_all_finite(reports[variant])
  term = np.asarray(reports[variant].output.regularizers["cross_task"])
  assert np.all(term[[ONE, TWO]] > 0)
  assert not np.any(term[[NONE, ALL]])


@every_variant
def test_supervised_losses_do_not_reach_the_mapping(reports, variant):
  maps, slopes = reports[variant].gradients["supervised"]
  assert not any(np.any(leaf) for leaf in jax.tree.leaves(maps))
  expected = np.zeros((batch.VIEWS, 4, 3), bool)
  expected[0] = batch.PRESENT
  chex.assert_trees_all_equal(reached(slopes), expected)


@every_variant
def test_the_term_reaches_unlabelled_predictions_of_its_view(reports, variant):
  _, slopes = reports[variant].gradients["cross_task"]
  expected = np.zeros((batch.VIEWS, 4, 3), bool)
  pairs = [ONE, TWO]
  expected[VIEW[variant], pairs] = ~batch.PRESENT[pairs]
  chex.assert_trees_all_equal(reached(slopes), expected)


def reached(slopes):
  """Return bool[V, B, task]: which predictions have a gradient."""
  columns = [np.any(slopes[task.name], axis=(2, 3, 4)) for task in TASKS]
  return np.stack(columns, axis=-1)


@every_variant
def test_the_term_trains_the_whole_mapping(reports, variant):
  maps, _ = reports[variant].gradients["cross_task"]
  for path, leaf in jax.tree.leaves_with_path(maps):
    layer, name = (entry.key for entry in path[-2:])
    if (layer[:4], name) != ("conv", "bias"):  # undone by the norm after it
      assert np.any(leaf), path


@every_variant
def test_film_of_a_pair_that_does_not_occur_gets_nothing(reports, variant):
  maps, _ = reports[variant].gradients["cross_task"]
  for layer in ("stage0_layer0", "stage0_layer1"):
    for table in ("gamma", "beta"):
      given = np.any(maps[layer][table], axis=-1)
      expected = np.isin(np.arange(6), ABSENT, invert=True)
      chex.assert_trees_all_equal(given, expected)


def test_the_feature_gets_no_gradient(predictions, labels):
  features = batch.make_features()

  @jax.jit
  @jax.value_and_grad
  def term(features):
    return cross_task(PAPER, predictions, labels, features=features).sum()

  value, slope = term(features)
  assert not any(np.any(leaf) for leaf in jax.tree.leaves(slope))
  other = jax.tree.map(lambda x: x + 1, features)
  assert term(other)[0] != value


@every_variant
def test_hidden_values_do_not_matter(reports, predictions, labels, variant):
  run = reporter(SETTINGS[variant])
  poisoned = run(params(), {}, predictions, batch.poison(labels))
  chex.assert_trees_all_equal(poisoned, reports[variant])


def test_order_of_the_tasks(predictions, labels):
  order = (2, 0, 1)
  tasks = tuple(TASKS[k] for k in order)
  old = {tuple(p): i for i, p in enumerate(task_pairs.ordered_pairs(3))}
  rows = np.array(
    [old[order[s], order[t]] for s, t in task_pairs.ordered_pairs(3)]
  )
  permuted = jax.tree.map_with_path(
    lambda path, x: x[rows] if path[-1].key in ("gamma", "beta") else x,
    params(),
  )
  inputs = batch.make_input(predictions, labels)
  output = jax.jit(make_method(PAPER, tasks).losses)(permuted, {}, inputs)
  chex.assert_trees_all_close(
    output.regularizers["cross_task"],
    cross_task(PAPER, predictions, labels),
    rtol=1e-4,
  )


def test_a_batch_is_what_its_images_are(predictions, labels):
  settings = noiseless()
  together = cross_task(settings, predictions, labels)
  inputs = batch.make_input(predictions, labels)
  for image in range(len(batch.PRESENT)):
    pick = lambda x, i=image: x[:, i : i + 1]
    one = jax.tree.map(pick, inputs._replace(step=(), key=()))
    one = one._replace(step=inputs.step, key=inputs.key)
    alone = compiled(settings)(params(), {}, one).regularizers["cross_task"]
    chex.assert_trees_all_close(alone[0], together[image], rtol=1e-4)


def test_vmap(predictions, labels):
  """Two batches with different labels at once."""
  other = batch.make_labels(batch.PRESENT[::-1].copy(), seed=5)
  inputs = [batch.make_input(predictions, given) for given in (labels, other)]
  both = jax.tree.map(lambda *x: jnp.stack(x), *inputs)
  losses = make_method(PAPER).losses
  together = jax.jit(jax.vmap(losses, in_axes=(None, None, 0)))
  found = together(params(), {}, both).regularizers["cross_task"]
  alone = [
    compiled(PAPER)(params(), {}, given).regularizers["cross_task"]
    for given in inputs
  ]
  chex.assert_trees_all_close(found, jnp.stack(alone), rtol=1e-4)


def test_one_compilation_for_every_scenario(reports, predictions):
  for present in (np.eye(3, dtype=bool)[[0, 1, 2, 0]], np.zeros((4, 3), bool)):
    labels = batch.make_labels(present)
    report = reporter(PAPER)(params(), {}, predictions, labels)
    chex.assert_tree_all_finite(report)
  assert reporter(PAPER)._cache_size() == 1


def test_film_parameters_are_a_group_of_their_own():
  groups = make_method(PAPER).groups(params())
  for path, group in jax.tree.leaves_with_path(groups):
    assert (group == FILM) == (path[-1].key in ("gamma", "beta"))


def test_a_single_task_has_no_pairs():
  with pytest.raises(ValueError, match="at least two tasks"):
    mtpsl(TASKS[:1], make_mapping(TASKS[:1]))
