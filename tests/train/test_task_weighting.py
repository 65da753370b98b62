"""Balanced training steps, and what balancing may not change."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtr_jax import balancing as balancers
from jtr_jax.balancing.gradient import ial, mgda
from jtr_jax.balancing.loss import fixed, impartial_auto_lambda, uw
from jtr_jax.balancing.loss_balancer import Need
from jtr_jax.balancing.uncertainty import IAL_INITIAL_WEIGHT
from jtr_jax.config import balancing_presets, build_balancing
from jtr_jax.data.augment.views import AugmentSettings
from jtr_jax.experiment import setup
from jtr_jax.methods.base import Method, MethodOutput
from jtr_jax.methods.supervised import supervised
from jtr_jax.train import loop
from jtr_jax.train.dispatch import fetch_steps
from jtr_jax.train.step_parts import Program
from jtr_jax.train.task_weighting import Balancing, LookAhead
from jtr_jax.workdir.checkpoints import Checkpoints
from tests import config_files, eight_devices, small_config
from tests.train import small_net, tiny

TASKS = small_net.NET_TASKS
NAMES = tuple(task.name for task in TASKS)
K = len(TASKS)
UNIFORM = balancers.uniform(K)
UW = uw.uw(K, form="log_sigma", initial_weight=0.6)
PRESETS = [*balancing_presets.PRESETS, "uw+pcgrad", "dwa+ial"]


def from_config(name):
  settings = config_files.settings("rooms_supervised", f"full,balancing={name}")
  return build_balancing.make_balancing(settings, TASKS, 2.0)


@pytest.fixture(scope="module")
def rooms_run(rooms, tmp_path_factory):
  """Return (scenario, balancing) -> run of a small network on rooms."""

  def make(scenario, name):
    settings = config_files.settings(
      "rooms_supervised",
      f"{scenario},balancing={name}",
      data__directory=rooms,
      data__size=small_config.SIZE,
      data__train_count=small_config.TRAIN,
      data__val_count=small_config.VAL,
    )
    folder = tmp_path_factory.mktemp(scenario)
    made = setup.make_experiment(settings, folder)
    run = tiny.make_run(optimizer=optax.sgd(0.01))
    return run._replace(
      net=small_net.make_net(made.tasks),
      method=made.method,
      augment=AugmentSettings(enabled=False),  # half of the compilation
      balancing=made.balancing,
      feed=setup.make_train_feed(made, run.mesh),
      size=made.data.manifest.size,
    )

  return make


@pytest.mark.parametrize("name", PRESETS)
def test_every_balancing_trains_on_rooms_from_a_config_argument(
  rooms_run, name
):
  runs = [rooms_run(scenario, name) for scenario in ("full", "randomlabels")]
  step = loop.run_dispatch(runs[0])
  state = loop.start_state(runs[0])
  first = jax.tree.map(np.array, state)  # the state is donated
  for index in range(4):
    feed = runs[index // 2].feed
    fetched = fetch_steps(feed, index, 1)
    state, metrics = step(state, feed.constant, fetched)
    chex.assert_tree_all_finite((state.params, metrics))
    assert ("weight/depth" in metrics.balancing) == (name != "uniform")
  assert step._cache_size() == 1
  chex.assert_trees_all_equal_shapes_and_dtypes(state, first)
  moved = jax.tree.map(
    lambda a, b: bool(jnp.any(a != b)), state.params, first.params
  )
  assert all(jax.tree.leaves(moved))


def test_rows_name_the_tasks_that_they_are_of():
  weights = dict(zip(NAMES, (1.0, 2.0, 3.0), strict=True))
  run = tiny.make_run(
    optimizer=optax.sgd(0.1), labelled=np.ones((tiny.IMAGES["train"], K), bool)
  )
  fixed_weights = fixed.fixed(K, weights=tuple(weights.values()))
  run = run._replace(balancing=Balancing(fixed_weights))
  _, metrics = loop.run_dispatch(run)(
    loop.start_state(run), run.feed.constant, fetch_steps(run.feed, 0, 1)
  )
  found = {name: row.sum[0] for name, row in metrics.balancing.items()}
  assert found == {f"weight/{name}": w for name, w in weights.items()}


@functools.cache
def gradients(balancing, method="supervised"):
  """Return the gradients of one step from the same start."""
  made = {"supervised": supervised(TASKS), "more": with_regularizer()}[method]
  program = Program(small_net.make_net(), made, balancing)
  optimizer = optax.sgd(0.1)
  state = small_net.start(program, optimizer)
  _, found = small_net.make_step(program, optimizer)(
    state, small_net.make_batch(), small_net.make_batch()
  )
  return found


def with_regularizer():
  """A method that adds what depends on all predictions and on features."""
  plain = supervised(TASKS)

  def losses(params, state, inputs):
    output = plain.losses(params, state, inputs)
    parts = [x[0] for x in inputs.predictions.values()]
    parts.append(inputs.features.maps["final"][0])
    term = sum(jnp.mean(jnp.square(x), axis=(1, 2, 3)) for x in parts)
    return MethodOutput(output.task_losses, {"size": term}, output.state)

  return Method(**{**plain._asdict(), "losses": losses})


@pytest.mark.parametrize("method", ["supervised", "more"])
@pytest.mark.parametrize("scope", ["shared_params", "features"])
@pytest.mark.parametrize("loss", [UNIFORM, UW], ids=["uniform", "uw"])
def test_sum_of_single_gradients_is_the_plain_gradient(loss, scope, method):
  plain = gradients(Balancing(loss), method)
  summed = gradients(Balancing(loss, balancers.sum(K), scope), method)
  chex.assert_trees_all_close(summed.gradients, plain.gradients, atol=1e-6)
  chex.assert_trees_all_close(summed.losses, plain.losses, rtol=1e-5)


@pytest.mark.parametrize("at_once", [0, 2])
def test_gradients_computed_together_are_the_same(at_once):
  balancer = mgda.mgda(K)
  one = gradients(Balancing(UNIFORM, balancer))
  some = gradients(Balancing(UNIFORM, balancer, at_once=at_once))
  chex.assert_trees_all_close(some.gradients, one.gradients, atol=1e-6)


def test_weights_of_the_last_layer_make_the_encoder_gradient():
  balancer = mgda.mgda(K)
  found = gradients(Balancing(UNIFORM, balancer, "last_shared_layer"))
  weights = tuple(found.balancing.gradient.weights.tolist())
  expected = gradients(Balancing(fixed.fixed(K, weights=weights)))
  chex.assert_trees_all_close(
    found.gradients["encoder"], expected.gradients["encoder"], atol=1e-6
  )
  layer = found.gradients["encoder"]["conv1"]
  assert optax.tree.norm(layer) > 0


def test_regularizers_are_not_balanced():
  """What they add is the same whatever becomes of the tasks' gradients."""
  none = Balancing(UNIFORM)
  added = jax.tree.map(
    jnp.subtract, gradients(none, "more").gradients, gradients(none).gradients
  )
  for scope in ("features", "shared_params", "last_shared_layer"):
    balanced = Balancing(UNIFORM, mgda.mgda(K), scope)
    found = jax.tree.map(
      jnp.subtract,
      gradients(balanced, "more").gradients,
      gradients(balanced).gradients,
    )
    chex.assert_trees_all_close(found, added, atol=1e-6)


def test_ial_without_auxiliary_weights_trains_for_the_primary_task():
  encoder = ial.ial(
    K, primary=1, indicator="fixed", auxiliary_weights=(0.0,) * K
  )
  balanced = gradients(Balancing(UW, encoder, "features", "mean"))
  alone = fixed.fixed(K, weights=tuple(float(k == 1) for k in range(K)))
  expected = gradients(Balancing(alone, task_loss="mean"))
  chex.assert_trees_all_close(
    balanced.gradients["encoder"], expected.gradients["encoder"], atol=1e-7
  )
  weighted = gradients(Balancing(UW, task_loss="mean")).gradients
  for name in ("balancer", *(f"decoder_{name}" for name in NAMES)):
    chex.assert_trees_all_close(
      balanced.gradients[name], weighted[name], atol=1e-7
    )


def test_impartial_auto_lambda_weighs_the_shared_parameters_alone():
  loss = impartial_auto_lambda.impartial_auto_lambda(
    K, initial=0.3, meta_learning_rate=0.0
  )
  ahead = LookAhead(lambda _: jnp.asarray(0.1), primary=(0,))
  found = gradients(Balancing(loss, task_loss="mean", look_ahead=ahead))
  np.testing.assert_allclose(found.losses.shared_weights, 0.3)
  own = fixed.fixed(K, weights=(0.3,) * K)
  learnt = uw.uw(K, form="log_sigma", initial_weight=IAL_INITIAL_WEIGHT)
  shared = gradients(Balancing(own, task_loss="mean")).gradients
  others = gradients(Balancing(learnt, task_loss="mean")).gradients
  for name, gradient in found.gradients.items():
    expected = shared if name == "encoder" else others
    chex.assert_trees_all_close(gradient, expected[name], atol=1e-7)


def test_loss_of_a_task_is_its_term_or_its_mean():
  term = gradients(Balancing(UNIFORM)).losses
  mean = gradients(Balancing(UNIFORM, task_loss="mean")).losses
  present = small_net.PRESENT
  weights = present / np.maximum(present.sum(1, keepdims=True), 1)
  ratio = weights.sum(0) / small_net.IMAGES
  np.testing.assert_allclose(term.values, ratio * mean.values, rtol=1e-5)


def test_balancers_that_cannot_act_there_are_refused():
  with pytest.raises(ValueError, match=r"features.*Change balancing\.scope"):
    Balancing(UW, ial.ial(K), "shared_params")
  settings = config_files.settings(
    "rooms_supervised", "full,balancing=ial", balancing__primary="dpeth"
  )
  with pytest.raises(ValueError, match="primary task"):
    build_balancing.make_balancing(settings, TASKS, 2.0)
  with pytest.raises(ValueError, match="not a pair"):
    config_files.load("rooms_supervised", "full,balancing=uw+dwa")
  with pytest.raises(ValueError, match="Did you mean 'pcgrad'"):
    config_files.load("rooms_supervised", "full,balancing=pcgard")


@pytest.mark.parametrize("name", ["ial", "gradnorm", "moco", "dwa+mgda"])
def test_states_of_balancers_survive_a_checkpoint(name, tmp_path):
  program = Program(small_net.make_net(), supervised(TASKS), from_config(name))
  state = small_net.start(program, optax.adam(0.1))
  marked = jax.tree.map(lambda x: x + jnp.ones_like(x), state)
  with Checkpoints(tmp_path) as checkpoints:
    checkpoints.save(1, marked)
    restored = checkpoints.restore("latest", state).state
  chex.assert_trees_all_equal(restored, marked)
  assert len(jax.tree.leaves(restored.balancing)) > 1


def test_eight_devices_equal_one():
  errors = eight_devices.run("tests.train.sharded_balancing")
  assert len(errors) == 4
  assert max(errors.values()) < 1e-5, errors


def test_needs_say_what_a_step_measures():
  needs = {name: from_config(name).loss.needs for name in ("famo", "gradnorm")}
  assert Need.POST_UPDATE_LOSSES in needs["famo"]
  assert Need.SHARED_GRADS in needs["gradnorm"]
