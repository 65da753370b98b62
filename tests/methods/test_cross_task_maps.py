"""What must hold for pairwise mappings, in each space."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtr_jax.methods import pair_codes
from jtr_jax.methods.cross_task_maps import cross_task_maps
from jtr_jax.methods.supervised import view
from tests.methods import partial_batch as batch
from tests.methods.partial_batch import ALL, NONE, ONE, TASKS, TWO
from tests.methods.small_maps import (
  DIRECT,
  OCCURRING,
  PAIRS,
  SETTINGS,
  code_of,
  every_space,
  is_zero,
  make_mapping,
  make_method,
  pairs_reached,
  params,
  predictions_reached,
  reporter,
  through_unlabelled_tasks,
  unlabelled_beside_labels,
)


@pytest.fixture(scope="module")
def reports(predictions, labels):
  return {
    name: reporter(settings)(params(), {}, predictions, labels)
    for name, settings in SETTINGS.items()
  }


def test_the_direct_term_is_what_single_pairs_give(
  reports, predictions, labels
):
  run = jax.jit(make_mapping())
  predictions, labels = view(predictions, 0), view(labels, 0)
  totals = np.zeros(4)
  for image, present in enumerate(batch.PRESENT):
    for index, (s, t) in enumerate(PAIRS):
      if present[t] and not present[s]:
        source, target = TASKS[s], TASKS[t]
        code = pair_codes.encode_prediction(
          source,
          predictions[source.name][image : image + 1],
          "joint",
          relaxation="straight_through",
          key=batch.KEY,
        )
        missing = batch.CLASSES - code.shape[-1]
        code = np.pad(code, [(0, 0)] * 3 + [(0, missing)])
        own = jax.tree.map(lambda x, i=index: x[i], params())
        _, raw, _ = run(own, {"trunk": {}}, code)
        label = jax.tree.map(lambda x, i=image: x[i : i + 1], labels)
        guess = target.activate(raw[..., : target.channels])
        totals[image] += target.loss(guess, label[target.name]).per_image()[0]
    totals[image] /= max(1, np.sum(~present))
  term = reports["direct"].output.regularizers["cross_task"]
  chex.assert_trees_all_close(term, np.float32(totals), rtol=1e-4)


@through_unlabelled_tasks
def test_images_with_all_labels_or_none_contribute_nothing(reports, space):
  chex.assert_tree_all_finite(reports[space])
  terms = reports[space].output.regularizers
  assert set(terms) == (
    {"cross_task"} if space == "direct" else {"cross_task", "map_fit"}
  )
  for term in terms.values():
    assert np.all(term[np.array([ONE, TWO])] > 0)
    assert not np.any(term[np.array([NONE, ALL])])


def test_the_direct_term_trains_network_and_occurring_mappings(reports):
  maps, slopes = reports["direct"].gradients["cross_task"]
  assert pairs_reached(maps) == OCCURRING
  chex.assert_trees_all_equal(
    predictions_reached(slopes), unlabelled_beside_labels()
  )


def test_the_term_in_feature_space_trains_the_network_alone(reports):
  maps, slopes = reports["features"].gradients["cross_task"]
  assert is_zero(maps)
  chex.assert_trees_all_equal(
    predictions_reached(slopes), unlabelled_beside_labels()
  )


def test_the_fit_trains_occurring_mappings_alone(reports):
  maps, slopes = reports["features"].gradients["map_fit"]
  assert pairs_reached(maps) == OCCURRING
  assert is_zero(slopes)
  chex.assert_trees_all_close(
    reports["features"].output.regularizers["map_fit"],
    reports["direct"].output.regularizers["cross_task"],
    rtol=1e-5,
  )


@through_unlabelled_tasks
def test_mappings_of_other_pairs_are_not_run(
  reports, predictions, labels, space
):
  others = np.array([pair not in OCCURRING for pair in PAIRS])
  poisoned = jax.tree.map(
    lambda x: jnp.where(others.reshape(-1, *[1] * (x.ndim - 1)), jnp.nan, x),
    params(),
  )
  # The critic of an occurring pair is the mapping that leads back.
  back = {(t, s) for s, t in OCCURRING}
  assert back == set(OCCURRING)
  report = reporter(SETTINGS[space])(poisoned, {}, predictions, labels)
  chex.assert_trees_all_equal(report, reports[space])


@every_space
def test_recomputation_changes_nothing(reports, predictions, labels, space):
  settings = dataclasses.replace(SETTINGS[space], recompute=False)
  report = reporter(settings)(params(), {}, predictions, labels)
  chex.assert_trees_all_close(report, reports[space], rtol=1e-4, atol=1e-6)


@every_space
def test_supervised_losses_do_not_reach_the_mappings(reports, space):
  maps, slopes = reports[space].gradients["supervised"]
  assert is_zero(maps)
  expected = np.zeros((batch.VIEWS, 4, 3), bool)
  expected[0] = batch.PRESENT
  chex.assert_trees_all_equal(predictions_reached(slopes), expected)


@every_space
def test_hidden_values_do_not_matter(reports, predictions, labels, space):
  run = reporter(SETTINGS[space])
  poisoned = run(params(), {}, predictions, batch.poison(labels))
  chex.assert_trees_all_equal(poisoned, reports[space])


@pytest.mark.parametrize("space", ["features", "perceptual"])
def test_order_of_the_tasks(reports, predictions, labels, space):
  order = (2, 0, 1)
  tasks = tuple(TASKS[k] for k in order)
  rows = np.array([PAIRS.index((order[s], order[t])) for s, t in PAIRS])
  permuted = jax.tree.map(lambda x: x[rows], params())
  inputs = batch.make_input(predictions, labels)
  settings = SETTINGS[space]
  output = jax.jit(make_method(settings, tasks).losses)(permuted, {}, inputs)
  chex.assert_trees_all_close(
    output.regularizers,
    reports[space].output.regularizers,
    rtol=1e-3,
  )


@pytest.mark.parametrize("space", ["features", "perceptual"])
def test_a_batch_is_what_its_images_are(reports, predictions, labels, space):
  run = jax.jit(make_method(SETTINGS[space]).losses)
  together = reports[space].output.regularizers
  for image in range(len(batch.PRESENT)):
    pick = lambda x, i=image: x[:, i : i + 1]
    one = batch.make_input(*jax.tree.map(pick, (predictions, labels)))
    alone = run(params(), {}, one).regularizers
    for name, term in alone.items():
      chex.assert_trees_all_close(term[0], together[name][image], rtol=1e-3)


def test_weight_and_distance(reports, predictions, labels):
  settings = dataclasses.replace(
    SETTINGS["features"], weight=3.0, distance="l1"
  )
  inputs = batch.make_input(predictions, labels)
  terms = jax.jit(make_method(settings).losses)(
    params(), {}, inputs
  ).regularizers
  before = reports["features"].output.regularizers
  chex.assert_trees_all_close(terms["map_fit"], before["map_fit"], rtol=1e-5)
  ratio = terms["cross_task"][ONE] / before["cross_task"][ONE]
  assert abs(ratio - 3) > 1e-2


@pytest.fixture(scope="module")
def perceptual_terms(predictions, labels):
  """Return "cross_task" and "map_fit", one image and one pair at a time."""
  run = jax.jit(make_mapping())
  predictions, labels = view(predictions, 0), view(labels, 0)
  terms = {name: np.zeros(4) for name in ("cross_task", "map_fit")}
  for image, present in enumerate(batch.PRESENT):
    pick = lambda x, i=image: x[i : i + 1]
    guess, truth = jax.tree.map(pick, (predictions, labels))
    for index, (s, t) in enumerate(PAIRS):
      source, target = TASKS[s], TASKS[t]
      own = jax.tree.map(lambda x, i=index: x[i], params())

      def estimate(code, own=own, target=target):
        _, raw, _ = run(own, {"trunk": {}}, code)
        return target.activate(raw[..., : target.channels])

      of_guess = code_of(source, prediction=guess[source.name])
      of_truth = code_of(source, label=truth[source.name])
      if present[s]:
        valid = np.asarray(truth[source.name].valid)[..., None]
        both = estimate(np.where(valid, of_guess, 0)), estimate(of_truth)
        a, b = map(target.comparable, both)
        terms["cross_task"][image] += np.mean(np.abs(a - b))
      if present[t]:
        fitted = estimate(of_truth if present[s] else of_guess)
        loss = target.loss(fitted, truth[target.name]).per_image()[0]
        terms["map_fit"][image] += loss
    for term in terms.values():
      term[image] /= max(1, np.sum(present))
  return terms


def test_the_perceptual_terms_are_what_single_pairs_give(
  reports, perceptual_terms
):
  """One mapping reads the prediction and the label of a task (Zamir et al.)."""
  found = reports["perceptual"].output.regularizers
  assert set(found) == set(perceptual_terms)
  for name, expected in perceptual_terms.items():
    assert np.all((expected > 0) == batch.PRESENT.any(axis=1))
    chex.assert_trees_all_close(found[name], np.float32(expected), rtol=1e-4)


def test_the_perceptual_term_trains_predictions_of_labelled_tasks(reports):
  maps, slopes = reports["perceptual"].gradients["cross_task"]
  assert is_zero(maps)
  expected = np.zeros((batch.VIEWS, 4, 3), bool)
  expected[0] = batch.PRESENT
  chex.assert_trees_all_equal(predictions_reached(slopes), expected)
  maps, slopes = reports["perceptual"].gradients["map_fit"]
  assert pairs_reached(maps) == PAIRS
  assert is_zero(slopes)


def test_a_perfect_prediction_has_no_perceptual_loss(labels):
  perfect = batch.perfect_predictions(labels)
  report = reporter(SETTINGS["perceptual"])(params(), {}, perfect, labels)
  term = report.output.regularizers["cross_task"]
  chex.assert_trees_all_close(term, np.zeros(4, "f4"), atol=1e-5)


def test_one_compilation_for_every_scenario(reports, predictions):
  for present in (np.eye(3, dtype=bool)[[0, 1, 2, 0]], np.zeros((4, 3), bool)):
    labels = batch.make_labels(present)
    report = reporter(DIRECT)(params(), {}, predictions, labels)
    chex.assert_tree_all_finite(report)
  assert reporter(DIRECT)._cache_size() == 1


def test_labels_of_another_size_of_code_are_refused():
  wide = dataclasses.replace(TASKS[0], num_classes=4)
  with pytest.raises(ValueError, match=r"Found: 3 output.*Expected: 4"):
    cross_task_maps((wide, *TASKS[1:]), make_mapping())
  with pytest.raises(ValueError, match="at least two tasks"):
    cross_task_maps(TASKS[:1], make_mapping())
