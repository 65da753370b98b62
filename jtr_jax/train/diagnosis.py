"""What a method tells of itself at each evaluation, beside its losses.

The numbers are measured by a program of their own, on a few training images as
they are: the steps of training compute nothing for them.
"""

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import optax

from jtr_jax.core import numerics, rng
from jtr_jax.data.loading.examples import Examples, to_images, to_labels
from jtr_jax.methods.base import Diagnosis, Method, MethodInput
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.train.run_parts import Update
from jtr_jax.train.state import TrainState, Tree

Measure: TypeAlias = Callable[[TrainState], dict[str, jax.Array]]


def make_update(
  net: MultiTaskNet, method: Method, trained: Examples
) -> Update | None:
  """Return what adds a row of diagnosis after each evaluation.

  Args:
    net: the network.
    method: the method.
    trained: images of training, with the labels that it sees.

  Returns:
    An update that leaves the state as it is; None if the method has nothing to
    tell.
  """
  if method.diagnose is None:
    return None
  measure = make_measure(net, method, trained)

  def update(
    state: TrainState, metrics: dict[str, float]
  ) -> tuple[TrainState, dict[str, float]]:
    del metrics
    found = jax.device_get(measure(state))
    return state, {name: float(value) for name, value in found.items()}

  return update


def make_measure(
  net: MultiTaskNet, method: Method, trained: Examples
) -> Measure:
  """Return the jitted function from a state to the numbers of its diagnosis.

  Beside the method's own numbers these are `gradient_ratio` and
  `gradient_cosine` of the regularizer's gradient and that of the tasks' losses,
  with respect to the features that the decoders share.

  Args:
    net: the network.
    method: a method that has a diagnosis.
    trained: images and labels.
  """
  diagnose = method.diagnose
  assert diagnose is not None

  @jax.jit
  def measure(state: TrainState) -> dict[str, jax.Array]:
    params, model_state = state.params, state.model_state
    features, _ = net.encode(
      params, model_state, to_images(trained), train=False
    )
    labels = jax.tree.map(lambda x: x[None], to_labels(trained))

    def from_maps(maps: Tree) -> tuple[tuple[jax.Array, jax.Array], Diagnosis]:
      seen = dataclasses.replace(features, maps=maps)
      predictions, _ = net.decode(
        params, model_state, (seen,) * len(net.tasks), train=False
      )
      one_view = jax.tree.map(lambda x: x[None], (predictions, seen))
      key = rng.stream(0, "diagnosis")
      inputs = MethodInput(one_view[0], one_view[1], labels, state.step, key)
      found = diagnose(params["method"], model_state["method"], inputs)
      return (found.regularizer, found.tasks), found

    _, pull_back, found = jax.vjp(from_maps, features.maps, has_aux=True)
    one, none = jnp.ones(()), jnp.zeros(())
    (regularizer,), (tasks,) = pull_back((one, none)), pull_back((none, one))
    return {**found.numbers, **_compare(regularizer, tasks)}

  return measure


def _compare(regularizer: Tree, tasks: Tree) -> dict[str, jax.Array]:
  """Return the ratio of the lengths of two gradients, and their cosine."""
  lengths = optax.tree.norm(regularizer), optax.tree.norm(tasks)
  return {
    "gradient_ratio": numerics.safe_divide(*lengths),
    "gradient_cosine": numerics.safe_divide(
      optax.tree.vdot(regularizer, tasks), lengths[0] * lengths[1]
    ),
  }
