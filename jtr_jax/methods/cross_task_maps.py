"""Cross-task maps: a network for each ordered pair of tasks.

A mapping m_st estimates task t from task s. Mappings relate predictions to
labels in one of three spaces, see `MapSettings.space`.

Source: Zamir et al., CVPR 2020 (cross-task consistency), and Li et al., CVPR
2022, who adapted it as the baselines "Direct-Map" and "Perceptual-Map".
Deviations: Zamir et al. have all labels, and mappings that are trained
beforehand; here mappings learn along with the network, from the labels there
are. The JTR paper says that the mappings of its baselines are SegNets and
states no formula, and no code of them was released.
"""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Literal

import jax
import jax.numpy as jnp

from jtr_jax.core import errors, numerics
from jtr_jax.core.fields import NOT_NEGATIVE
from jtr_jax.core.types import ViewSpec
from jtr_jax.methods import pair_estimates, task_pairs, variants
from jtr_jax.methods.base import (
  Method,
  MethodInput,
  MethodOutput,
  Tree,
  no_pictures,
)
from jtr_jax.methods.jtr import joint_space
from jtr_jax.methods.pair_estimates import Pair, Scene
from jtr_jax.methods.supervised import LabelWeighting, supervised_losses, view
from jtr_jax.methods.variants import Variant
from jtr_jax.models.multitask import AutoEncoder
from jtr_jax.tasks.base import Relaxation, Task


@dataclasses.dataclass(frozen=True)
class MapSettings:
  """Settings of cross-task maps.

  Attributes:
    space: where predictions and labels are compared. "output" (direct maps):
      the estimate of a labelled task from the prediction of an unlabelled one,
      with its label. "perceptual" (Zamir et al.): the prediction and the label
      of one task, after the same mapping to another task. "features" (ours):
      the estimate of "output" and the label, at the bottleneck of the mapping
      that leads back.
    weight: factor of the term that trains the network.
    distance: at the bottleneck, with "features".
    label_weighting: weight of a label in an image with several, see
      `supervised`.
    relaxation: of predicted and estimated segmentation.
    recompute: recompute a mapping's activations for its gradient, so that
      memory grows with the number of pairs by the parameters alone.
  """

  space: Literal["output", "perceptual", "features"] = "output"
  weight: Annotated[float, NOT_NEGATIVE] = 1.0
  distance: joint_space.Distance = "cosine"
  label_weighting: LabelWeighting = "image"
  relaxation: Relaxation = "gumbel"
  recompute: bool = True


VARIANTS: Mapping[str, Variant] = {
  "paper": variants.JTR_PAPER,
  "official": variants.MTPSL_RELEASED._replace(
    method={"label_weighting": "sum"}
  ),
}
"""The setting of the JTR paper, and that of MTPSL's programs, whose paper the
published numbers come from. The mappings themselves were not released."""


def cross_task_maps(
  tasks: tuple[Task, ...],
  mapping: AutoEncoder,
  settings: MapSettings = MapSettings(),
) -> Method:
  """Return supervised learning plus consistency through pairwise mappings.

  U_x and T_x are the tasks without and with a label, y^s a prediction, y_t a
  label, <.> a stopped gradient, c `weight`. The objective is L_SL plus the mean
  over the images of

  * "output": c/|U_x| sum_{s in U_x, t in T_x} L^t(m_st(y^s), y_t), which trains
    network and mappings;
  * "perceptual": 1/|T_x| sum_{t in T_x, s != t} [c |m_ts(y^t) - m_ts(y_t)|
    + L^t(m_st(z^s), y_t)] with z^s the label of s or else <y^s>; the first
    term, a mean absolute difference, trains the network alone, the second one
    the mappings alone;
  * "features": 1/|U_x| sum_{s in U_x, t in T_x} [c D(f_ts(m_st(y^s)),
    f_ts(y_t)) + L^t(m_st(<y^s>), y_t)] with f_ts the bottleneck of m_ts; the
    first term trains the network alone, the second one the mappings alone.

  Args:
    tasks: the tasks, in the order of the pairs.
    mapping: the form of every m_st: from as many channels as the widest joint
      encoding has to as many as the widest output; others are padded with
      zeros, or ignored.
    settings: the settings.

  Returns:
    A method whose parameters are those of K (K - 1) mappings, stacked.

  Raises:
    ValueError: fewer than two tasks, or a mapping with too few outputs.

  Source: "perceptual" is Zamir et al., CVPR 2020, the perceptual loss with its
    L1 norm; see the file for what is not published.
  """
  task_pairs.require_pairs("Cross-task maps", tasks)
  widest = max(task.channels for task in tasks)
  if mapping.head.channels != widest:
    raise ValueError(
      errors.message(
        "The mapping between tasks does not fit them",
        found=f"{mapping.head.channels} output channels",
        expected=f"{widest}, those of the widest task",
        do="Build the mapping for these tasks.",
      )
    )
  regularizer = _Maps(tasks, mapping, settings)
  return Method(
    (ViewSpec(None),), regularizer.init, regularizer.losses, no_pictures
  )


@dataclasses.dataclass(frozen=True)
class _Maps:
  """The pure functions of the method and their static inputs."""

  tasks: tuple[Task, ...]
  mapping: AutoEncoder
  settings: MapSettings

  def init(self, key: jax.Array, size: tuple[int, int]) -> tuple[Tree, Tree]:
    """Return the parameters of all mappings, [P, ...], and no state."""
    shape = (*size, pair_estimates.code_width(self.tasks))
    count = len(task_pairs.ordered_pairs(len(self.tasks)))
    keys = jax.random.split(key, count)
    return jax.vmap(lambda key: self.mapping.init(key, shape)[0])(keys), {}

  def losses(
    self, params: Tree, state: Tree, inputs: MethodInput
  ) -> MethodOutput:
    """Return supervised losses and the cross-task terms."""
    predictions = view(inputs.predictions, 0)
    labels = task_pairs.without_empty(self.tasks, view(inputs.labels, 0))
    supervised = supervised_losses(
      self.tasks,
      predictions,
      labels,
      label_weighting=self.settings.label_weighting,
    )
    scene = pair_estimates.make_scene(
      self.tasks,
      predictions,
      labels,
      relaxation=self.settings.relaxation,
      key=inputs.key,
    )
    terms = self._scan(params, scene, self._real_pairs(scene.present))
    sources = (
      scene.present if self.settings.space == "perceptual" else ~scene.present
    )
    count = jnp.sum(sources, axis=-1, dtype=jnp.float32)
    means = {
      name: numerics.safe_divide(jnp.sum(term, axis=0), count)
      for name, term in terms.items()
    }
    return MethodOutput(supervised, means, state)

  def _real_pairs(self, present: jax.Array) -> jax.Array:
    """Return bool[B, K (K - 1)]: the pairs that an image has a term for."""
    if self.settings.space != "perceptual":
      return task_pairs.real_pairs(present)
    source, target = task_pairs.ordered_pairs(len(self.tasks)).T
    return present[:, source] | present[:, target]

  def _scan(
    self, params: Tree, scene: Scene, real: jax.Array
  ) -> dict[str, jax.Array]:
    """Return each term f32[P, B], one pair after the other.

    A mapping whose pair no image of the batch has is not run, others are on all
    images: their weights are their own, and shapes are static.
    """
    pairs = [tuple(pair) for pair in task_pairs.ordered_pairs(len(self.tasks))]
    source, target = (jnp.asarray(side) for side in zip(*pairs, strict=True))
    inverse = jnp.asarray([pairs.index((t, s)) for s, t in pairs])
    numbers = jnp.arange(len(pairs))
    steps = Pair(params, numbers, source, target, inverse, real.T)
    frozen = jax.lax.stop_gradient(params)

    def compare(pair: Pair) -> dict[str, jax.Array]:
      if self.settings.space == "output":
        return self._in_output_space(scene, pair)
      if self.settings.space == "perceptual":
        return self._in_perceptual_space(scene, pair)
      critic = jax.tree.map(lambda x: x[pair.inverse], frozen)
      return self._in_feature_space(scene, pair, critic)

    if self.settings.recompute:
      # Nothing to protect from common subexpressions: the loop does that.
      compare = jax.checkpoint(compare, prevent_cse=False)

    def compare_real(pair: Pair) -> dict[str, jax.Array]:
      nothing = lambda pair: dict.fromkeys(self._terms, jnp.zeros(len(real)))
      return jax.lax.cond(jnp.any(pair.real), compare, nothing, pair)

    return jax.lax.map(compare_real, steps)

  @property
  def _terms(self) -> tuple[str, ...]:
    """Names of the regularisers."""
    if self.settings.space == "output":
      return ("cross_task",)
    return "cross_task", "map_fit"

  def _in_output_space(self, scene: Scene, pair: Pair) -> dict[str, jax.Array]:
    """Return the loss f32[B] of the estimates, which trains everything."""
    source = pair_estimates.of_images(scene.predicted, pair.source, pair.real)
    _, raw = self._run(pair.params, source)
    loss = pair_estimates.loss(self.tasks, scene, pair, raw)
    return {"cross_task": self.settings.weight * loss}

  def _in_perceptual_space(
    self, scene: Scene, pair: Pair
  ) -> dict[str, jax.Array]:
    """Return a term f32[B] that trains the network, and one for the mapping.

    The first one is of images with a label of the pair's source, the second one
    of images with a label of its target.
    """
    guess, truth, mask = (
      pair_estimates.of_task(stacked, pair.source)
      for stacked in (scene.predicted, scene.labelled, scene.mask)
    )
    labelled, fits = (
      jnp.take(scene.present, task, axis=1)
      for task in (pair.source, pair.target)
    )
    frozen = jax.lax.stop_gradient(pair.params)
    raws = [
      self._run(frozen, code)[1] for code in (numerics.fill(guess, mask), truth)
    ]
    apart = pair_estimates.difference(self.tasks, pair, *raws)
    source = jnp.where(
      labelled[:, None, None, None], truth, jax.lax.stop_gradient(guess)
    )
    _, raw = self._run(pair.params, source)
    fit = pair_estimates.loss(self.tasks, scene, pair._replace(real=fits), raw)
    return {
      "cross_task": self.settings.weight * jnp.where(labelled, apart, 0),
      "map_fit": fit,
    }

  def _in_feature_space(
    self, scene: Scene, pair: Pair, critic: Tree
  ) -> dict[str, jax.Array]:
    """Return a term f32[B] that trains the network, and one for the mapping."""
    source = pair_estimates.of_images(scene.predicted, pair.source, pair.real)
    _, raw = self._run(pair.params, jax.lax.stop_gradient(source))
    fit = pair_estimates.loss(self.tasks, scene, pair, raw)
    _, raw = self._run(jax.lax.stop_gradient(pair.params), source)
    estimate = pair_estimates.code(
      self.tasks, scene, pair, raw, self.settings.relaxation
    )
    truth = pair_estimates.of_images(scene.labelled, pair.target, pair.real)
    points = self._run(critic, estimate)[0], self._run(critic, truth)[0]
    apart = joint_space.distance(points, self.settings.distance)
    apart = jnp.where(pair.real, apart, 0)
    return {"cross_task": self.settings.weight * apart, "map_fit": fit}

  def _run(self, params: Tree, code: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the bottleneck and the raw output of a mapping."""
    point, raw, _ = self.mapping(params, {"trunk": {}}, code)
    return point, raw
