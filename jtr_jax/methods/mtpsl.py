"""MTPSL: cross-task consistency in a joint space of every pair of tasks.

For every pair of a task s without and a task t with a label, a mapping network
m, conditioned on the pair, maps the prediction for s and the label of t to one
space, where they should agree without departing from the shared feature of the
image. Only pairs that an image has are computed.

Source: Li et al., CVPR 2022, in the words of Nishi et al., CVPR 2024, Eq. (3);
released nyu_mtl_xtc.py and model/mapfns.py. The differences between paper and
code are the fields of `MtpslSettings`; PAPER and RELEASED are the two presets.
"""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors, numerics
from jtr_jax.core.fields import NOT_NEGATIVE, Unit
from jtr_jax.core.types import ViewSpec
from jtr_jax.methods import pair_codes, task_pairs, variants
from jtr_jax.methods.base import (
  MAIN,
  Method,
  MethodInput,
  MethodOutput,
  Tree,
  no_pictures,
)
from jtr_jax.methods.supervised import LabelWeighting, supervised_losses, view
from jtr_jax.methods.variants import Variant
from jtr_jax.models.base import apply
from jtr_jax.models.initialization import initialize
from jtr_jax.models.mapping import Chosen, MappingInput, MappingNet
from jtr_jax.models.resize import resize
from jtr_jax.tasks.base import Relaxation, Task

FILM = "film"
"""The optimiser group of the FiLM parameters."""


@dataclasses.dataclass(frozen=True)
class MtpslSettings:
  """Settings of MTPSL, and where the paper and the released code differ.

  Attributes:
    weight: factor of the cross-task term: 2 for NYUv2 and 1 for Cityscapes in
      the released code.
    regularizer_weight: factor, within the cross-task term, of the distances to
      the feature; 0 leaves them out (ablation).
    ramp_up_epochs: epochs in which `weight` grows from 0; 0: it is constant,
      which is the released default; 100 is the released alternative.
    label_weighting: weight of a label in an image with several, see
      `supervised`.
    pair_weighting: weight of a pair in an image with n source tasks: 1/n
      ("unlabelled"), or 1 ("sum").
    fully_labelled: pairs of an image with all labels: "none", as Eq. (3) says,
      or "all_pairs", each prediction with the label of every other task, as the
      released code has it with `--ssl-type full`.
    empty_labels: what a label without a single valid pixel is: "absent", or
      "present", as in the released code.
    separate_view: the cross-task term has a view of its own, cropped out of the
      supervised one. Otherwise one view does both, as Eq. (3) says.
    relaxation: of predicted segmentation.
    code: what the mapping network reads: the "joint" encoding of JTR, the same
      for every image, or the "released" one, where depth is divided by its
      largest value in the image.
  """

  weight: Annotated[float, NOT_NEGATIVE] = 2.0
  regularizer_weight: Annotated[float, NOT_NEGATIVE] = 0.5
  ramp_up_epochs: Annotated[float, NOT_NEGATIVE, Unit("epochs")] = 0.0
  label_weighting: LabelWeighting = "image"
  pair_weighting: Literal["unlabelled", "sum"] = "unlabelled"
  fully_labelled: task_pairs.FullyLabelled = "none"
  empty_labels: Literal["absent", "present"] = "absent"
  separate_view: bool = False
  relaxation: Relaxation = "gumbel"
  code: pair_codes.Code = "joint"


PAPER = MtpslSettings()
RELEASED = MtpslSettings(
  label_weighting="sum",
  pair_weighting="sum",
  empty_labels="present",
  separate_view=True,
  code="released",
)
VARIANTS: Mapping[str, Variant] = {
  "paper": variants.JTR_PAPER._replace(method=variants.flat(PAPER)),
  "official": variants.MTPSL_RELEASED._replace(method=variants.flat(RELEASED)),
}
"""The setting of the JTR paper, and that of the released nyu_mtl_xtc.py."""

GROUPS: Mapping[str, Mapping[str, float]] = {
  FILM: {"learning_rate": 1e-3, "decay_rate": 0.5, "decay_epochs": 30}
}
"""The optimiser of the FiLM parameters: released nyu_mtl_xtc.py. Its Cityscapes
program has a learning rate of 1e-5."""


def label_warning(fields: Mapping[str, Any], present: np.ndarray) -> str:
  """Warn if no image has a pair of tasks; "" if one has.

  Args:
    fields: of the method.
    present: bool[N, K], which labels the run sees.
  """
  has_pair = present.any(axis=1) & ~present.all(axis=1)
  if has_pair.any() or fields["fully_labelled"] != "none":
    return ""
  return (
    "No image has both labelled and unlabelled tasks: the cross-task term is "
    "0. method.fully_labelled='all_pairs' relates the tasks of images with all "
    "labels, as the released --ssl-type full does."
  )


def mtpsl(
  tasks: tuple[Task, ...],
  mapping: MappingNet,
  settings: MtpslSettings = PAPER,
  *,
  steps_per_epoch: float = 1.0,
) -> Method:
  """Return multi-task partially-supervised learning.

  The objective is L_SL + (c / B) sum_x w_x sum_{s in U_x, t in T_x}
  [D(m(y^s), m(y_t)) + r (D(m(y^s), <f>) + D(m(y_t), <f>))] with m conditioned
  on (s, t), D one minus the cosine over channels, averaged over places, f the
  bottleneck of the shared encoder, <.> a stopped gradient, c `weight`, r
  `regularizer_weight` and w_x = 1/|U_x| or 1. With `fully_labelled` "all_pairs"
  an image with all K labels has all pairs s != t, and w_x = 1/K or 1.

  Args:
    tasks: the tasks, in the order of the pairs.
    mapping: m, for these tasks; as wide at its end as the bottleneck.
    settings: `PAPER`, `RELEASED`, or a variation of either.
    steps_per_epoch: updates in an epoch, for the ramp.

  Returns:
    A method whose parameters are those of the mapping network; its FiLM
    parameters are an optimiser group of their own.

  Raises:
    ValueError: fewer than two tasks.

  Source: JTR paper, Eq. (3) (without the regulariser); released code.
  Deviations: the whole batch at once. Gumbel noise is drawn once for an image
    and not again for every pair.
  """
  task_pairs.require_pairs("MTPSL", tasks)
  ramp_steps = settings.ramp_up_epochs * steps_per_epoch
  regularizer = _Mtpsl(tasks, mapping, settings, ramp_steps)
  own_view = (ViewSpec(0),) if settings.separate_view else ()
  return Method(
    (ViewSpec(None), *own_view),
    regularizer.init,
    regularizer.losses,
    no_pictures,
    film_group,
  )


def film_group(params: Tree) -> Tree:
  """Return the optimiser group of every parameter of the mapping network."""
  return jax.tree.map_with_path(
    lambda path, _: FILM if path[-1].key in ("gamma", "beta") else MAIN, params
  )


@dataclasses.dataclass(frozen=True)
class _Mtpsl:
  """The pure functions of the method and their static inputs."""

  tasks: tuple[Task, ...]
  mapping: MappingNet
  settings: MtpslSettings
  ramp_steps: float

  def init(self, key: jax.Array, size: tuple[int, int]) -> tuple[Tree, Tree]:
    """Return the mapping network's parameters and no state."""
    codes = tuple(
      jnp.zeros((1, *size, task.joint_channels)) for task in self.tasks
    )
    slots = task_pairs.fill_slots(jnp.zeros((1, len(self.tasks)), bool))
    given = MappingInput(codes, Chosen(slots.source, slots.pair))
    return initialize(self.mapping, key, given)["params"], {}

  def losses(
    self, params: Tree, state: Tree, inputs: MethodInput
  ) -> MethodOutput:
    """Return supervised losses and the cross-task term."""
    settings = self.settings
    supervised = supervised_losses(
      self.tasks,
      view(inputs.predictions, 0),
      view(inputs.labels, 0),
      label_weighting=settings.label_weighting,
    )
    term = self._cross_task(params, inputs)
    ramp = ramp_up(inputs.step, self.ramp_steps)
    return MethodOutput(
      supervised, {"cross_task": settings.weight * ramp * term}, state
    )

  def _cross_task(self, params: Tree, inputs: MethodInput) -> jax.Array:
    """Return f32[B], before its weight."""
    settings = self.settings
    index = 1 if settings.separate_view else 0
    labels = view(inputs.labels, index)
    if settings.empty_labels == "absent":
      labels = task_pairs.without_empty(self.tasks, labels)
    codes = pair_codes.encode(
      self.tasks,
      view(inputs.predictions, index),
      labels,
      settings.code,
      relaxation=settings.relaxation,
      key=inputs.key,
    )
    present = task_pairs.stack_presence(self.tasks, labels)
    slots = task_pairs.fill_slots(present, settings.fully_labelled)
    source, target = self._map(params, codes, present, slots)
    distance = _distance(source, target)
    if settings.regularizer_weight:
      feature = jax.lax.stop_gradient(inputs.features.bottleneck[index])
      _require_width(source.shape[-1], feature.shape[-1])
      height, width = source.shape[2:4]
      feature = resize(feature, (height, width), "mean")
      departure = sum(
        _distance(point, feature[:, None]) for point in (source, target)
      )
      distance += settings.regularizer_weight * departure
    total = jnp.sum(jnp.where(slots.real, distance, 0), axis=-1)
    if settings.pair_weighting == "sum":
      return total
    sources = task_pairs.source_count(present, settings.fully_labelled)
    return numerics.safe_divide(total, sources)

  def _map(
    self,
    params: Tree,
    codes: pair_codes.Codes,
    present: jax.Array,
    slots: task_pairs.Slots,
  ) -> tuple[jax.Array, jax.Array]:
    """Return the maps f32[B, P, h, w, C] of sources and of targets."""
    if self.settings.fully_labelled == "none":
      # Of each task only one code is mapped, so it enters the network once.
      images, axis = pair_codes.labels_first(codes, present), 1
    else:
      images, axis = pair_codes.predictions_then_labels(codes), 0
    chosen = Chosen(
      jnp.concatenate([slots.source, slots.target], axis=axis),
      jnp.concatenate([slots.pair, slots.pair], axis=axis),
    )
    given = MappingInput(images, chosen)
    points, _ = apply(self.mapping, params, {}, given, train=True)
    source, target = jnp.split(points, 2, axis=axis)
    return source, target


def _require_width(found: int, expected: int) -> None:
  if found != expected:
    raise ValueError(
      errors.message(
        "The mapping network ends with another width than the shared feature",
        found=f"{found} channels",
        expected=f"{expected}, those of the encoder's bottleneck",
        do="Set the last of method.mapping_filters to 0, or "
        "method.regularizer_weight to 0.",
      )
    )


def ramp_up(step: jax.Array, steps: float) -> jax.Array | float:
  """Return step / steps, at most 1; 1 without a ramp.

  Source: released nyu_mtl_xtc.py, `--rampup up`: over 100 epochs.
  """
  return jnp.minimum(step / steps, 1) if steps else 1.0


def _distance(a: jax.Array, b: jax.Array) -> jax.Array:
  """Return [B, P]: one minus the cosine over channels, averaged over places.

  A zero vector is orthogonal to everything.
  """
  chex.assert_equal_shape_prefix([a, b], 1)
  chex.assert_equal_shape_suffix([a, b], 3)
  u, v = (numerics.safe_unit(numerics.widen(x)) for x in (a, b))
  return 1 - jnp.mean(jnp.sum(u * v, axis=-1), axis=(-2, -1))
