"""The settings of JTR, and its two variants.

Source: Nishi et al., CVPR 2024; released code/train_nyuv2.py.
"""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core.fields import NOT_NEGATIVE, Source, Unit
from jtr_jax.core.types import ViewSpec
from jtr_jax.methods import variants
from jtr_jax.methods.jtr import joint_space, joint_tensor
from jtr_jax.methods.jtr.joint_tensor import Stacking
from jtr_jax.methods.supervised import LabelWeighting
from jtr_jax.methods.variants import Variant
from jtr_jax.tasks.base import Relaxation


@dataclasses.dataclass(frozen=True)
class JtrSettings:
  """Settings in which the paper, the released code and ablations differ.

  Attributes:
    dist_weight: c_dist, the factor of the distance for the model.
    autoencoder_dist_weight: the factor of the second distance, which trains the
      auto-encoder alone; used with `separate_views`.
    recon_weight: c_recon; 0 leaves the reconstruction out (ablation).
    distance: of two points of the joint-task space.
    label_weighting: weight of a label in an image with several, see
      `supervised`.
    separate_views: view 1 trains the model, and view 2 trains the auto-encoder
      on detached predictions. Otherwise one view does both, as Eq. (5) says.
    distance_trains: "both" networks, as Eq. (5) says, or the "model" alone,
      through a frozen auto-encoder. Without `separate_views` nothing then tells
      the auto-encoder to bring its two tensors together.
    view2_grad: with `separate_views`, "coupled" has all views share batch norm,
      so that the model's gradient runs through view 2 although its predictions
      are detached; "stopped" runs view 2 apart, see `ViewSpec.trains`.
    relaxation: of segmentation, wherever nothing else is said.
    autoencoder_relaxation: of the noisy tensor that trains the auto-encoder.
    independent_draws: target tensor, reconstruction target and second colouring
      draw Gumbel noise of their own, so that they differ from the input they
      belong to even where the class scores are the same.
    reconstruction: "task", the task's own loss on the joint encoding, or the
      "released" formulas.
    unlabelled: what an image without any label does: "consistency" compares its
      predictions with those of a second colouring (Sec. 4.4); "none" compares
      them with themselves, so its distance is 0 unless draws are independent.
    stacking: how the tensors are built.
    centred_codes: the distance compares codes less the mean code of the batch.
    detach_target_code: the target's code gets no gradient from the distance
      that trains the model, like one side in self-supervised learning.
    variance_weight: of a term that keeps codes from being all the same.
    covariance_weight: of a term that keeps channels of codes from being alike.
    dist_ramp_steps: updates in which `dist_weight` grows from 0, linearly.
  """

  dist_weight: Annotated[float, NOT_NEGATIVE, Source("JTR, Sec. 6.2")] = 4.0
  autoencoder_dist_weight: Annotated[
    float, NOT_NEGATIVE, Source("released train_nyuv2.py")
  ] = 8.0
  recon_weight: Annotated[float, NOT_NEGATIVE, Source("JTR, Sec. 6.2")] = 2.0
  distance: joint_space.Distance = "cosine"
  label_weighting: LabelWeighting = "image"
  separate_views: bool = False
  distance_trains: Literal["both", "model"] = "both"
  view2_grad: Literal["coupled", "stopped"] = "coupled"
  relaxation: Relaxation = "gumbel"
  autoencoder_relaxation: Relaxation = "gumbel"
  independent_draws: bool = False
  reconstruction: Literal["task", "released"] = "task"
  unlabelled: Literal["none", "consistency"] = "none"
  stacking: Stacking = joint_tensor.PAPER
  centred_codes: bool = False
  detach_target_code: bool = False
  variance_weight: Annotated[float, NOT_NEGATIVE] = 0.0
  covariance_weight: Annotated[float, NOT_NEGATIVE] = 0.0
  dist_ramp_steps: Annotated[int, NOT_NEGATIVE, Unit("updates")] = 0

  def dist_factor(self, step: jax.Array) -> float | jax.Array:
    """Return the factor of the distance for the model, at a step."""
    if not self.dist_ramp_steps:
      return self.dist_weight
    return self.dist_weight * jnp.minimum(step / self.dist_ramp_steps, 1)

  @property
  def views(self) -> tuple[ViewSpec, ...]:
    """Views: the labels', the model's, the auto-encoder's, one recoloured."""
    views = [ViewSpec(None)]
    if self.separate_views:
      views += [ViewSpec(0), ViewSpec(0, trains=self.view2_grad == "coupled")]
    if self.unlabelled == "consistency":
      model_view = 1 if self.separate_views else 0
      views.append(ViewSpec(model_view, geometric=False))
    return tuple(views)


PAPER = JtrSettings()
RELEASED = JtrSettings(
  label_weighting="sum",
  separate_views=True,
  distance_trains="model",
  autoencoder_relaxation="softmax",
  independent_draws=True,
  reconstruction="released",
  stacking=joint_tensor.RELEASED,
)
VARIANTS: Mapping[str, Variant] = {
  "paper": variants.JTR_PAPER._replace(method=variants.flat(PAPER)),
  "official": Variant(
    method=variants.flat(RELEASED),
    train={"epochs": 400, "batch_size": 4},
    optimizer={"learning_rate": 1e-4, "decay_rate": 0.5, "decay_epochs": 200},
    augment=variants.RELEASED_RESIZING,
  ),
}
"""The setting of the paper, and that of the released train_nyuv2.py."""


def label_warning(fields: Mapping[str, Any], present: np.ndarray) -> str:
  """Warn of images without labels that do not train the model; "" for none.

  Args:
    fields: of the method.
    present: bool[N, K], which labels the run sees.
  """
  count = int((~present.any(axis=1)).sum())
  if not count or fields["unlabelled"] != "none":
    return ""
  return (
    f"{count} of {len(present)} images have no label. With "
    "method.unlabelled='none' they train only the auto-encoder; 'consistency' "
    "uses them (JTR, Sec. 4.4)."
  )
