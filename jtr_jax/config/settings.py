"""The settings of a program, resolved: what everything beyond `config/` sees.

Each section is a frozen dataclass, and the dataclass is the schema: a field's
default, type, bounds, unit and source stand in its one line, what it means in
the docstring. Where a section chooses one of several implementations, such as
the method, the fields are the keyword arguments of what was chosen (`Part`).
"""

import dataclasses
import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias

from jtr_jax.balancing.base import Scope, TaskLoss
from jtr_jax.config.model_settings import ModelSettings
from jtr_jax.config.optimizer_settings import OptimizerSettings
from jtr_jax.config.part import INLINE, Part
from jtr_jax.core.fields import (
  BATCH,
  DECAY,
  FRACTION,
  INNER_FRACTION,
  NOT_EMPTY,
  NOT_NEGATIVE,
  PER_BATCH,
  POSITIVE,
  SEED,
  SIDE,
  Bound,
  Source,
  Unit,
)
from jtr_jax.data.augment.views import AugmentSettings
from jtr_jax.data.loading.feed import Placement
from jtr_jax.data.loading.selection import Images

_nothing = functools.partial(MappingProxyType, {})

TASKS = ("segmentation", "depth", "normals")

Names: TypeAlias = tuple[str, ...]

_IMAGES = Bound(low=0, high=10**7)


@dataclasses.dataclass(frozen=True)
class ExperimentSettings:
  """One run, or several in workdirs of their own.

  Attributes:
    kind: "run", one network; "stl", one for each task; "primaries", one with
      each task as the primary one of the balancing (IAL); "grid", one with each
      combination of auxiliary weights; "must", teachers of one task each, then
      a student (MuST).
    grid: weights of an auxiliary task (grid).
    teachers: workdirs of finished runs to take as teachers (must).
    teacher_step: which checkpoint of a teacher (must).
    confidence: least probability of a class in a pseudo label (must).
    single_task_images: what a network of one task is trained on: the images
      "labelled" for it, or "all", as the released program of MTPSL does (stl).
  """

  kind: Literal["run", "stl", "primaries", "grid", "must"] = "run"
  grid: Annotated[tuple[float, ...], POSITIVE, NOT_EMPTY] = (0.1, 0.2, 0.3, 0.4)
  teachers: Names = ()
  teacher_step: Literal["latest", "best"] = "latest"
  confidence: Annotated[float, FRACTION] = 0.5
  single_task_images: Literal["labelled", "all"] = "labelled"


@dataclasses.dataclass(frozen=True)
class SourceSettings:
  """Where images and their labels come from.

  Attributes:
    reader: "nyuv2", "rooms" or "folder"; "prepared" for any records in
      the directory.
    directory: of the prepared records.
    raw: the user's files, to prepare from.
    train_split: of the records.
    eval_split: of the records, or "" for none; not for choosing a step
      honestly.
    size: (H, W) to prepare at; (0, 0) leaves it to the data.
    train_count: images to generate (rooms); 0: 795, as NYUv2 has.
    val_count: images to generate (rooms); 0: 654, as NYUv2 has.
    scenario: which labels the training may see, see `label_splits.scenarios`.
    scenario_tasks: what the scenario is drawn for; () for the tasks of the run.
    split_seed: of the scenario.
    split_file: a label split as text, .pth or .npy, in place of a drawn one.
    images: which images are trained on, under the scenario.
    vocabulary: FILE:SECTION, what its classes mean in the run; "" if they are
      those of the run.
  """

  reader: Part = dataclasses.field(metadata=INLINE)
  directory: str = "data/nyuv2"
  raw: str = ""
  train_split: str = "train"
  eval_split: str = "val"
  size: Annotated[tuple[int, int], SIDE, Unit("pixels")] = (0, 0)
  train_count: Annotated[int, _IMAGES, Unit("images")] = 0
  val_count: Annotated[int, _IMAGES, Unit("images")] = 0
  scenario: str = "full"
  scenario_tasks: Names = ()
  split_seed: Annotated[int, SEED] = 0
  split_file: str = ""
  images: Images = "all"
  vocabulary: str = ""


@dataclasses.dataclass(frozen=True)
class FurtherSource(SourceSettings):
  """Images that are mixed into every batch, in addition to the main data's.

  Attributes:
    scenario: see `SourceSettings`.
    eval_split: evaluated in addition to the main data's.
    per_batch: images of this source in a batch; 0: it is only evaluated.
    tasks: what its labels are taken for; () for all tasks of the run.
  """

  scenario: str = "found"
  eval_split: str = ""
  per_batch: Annotated[int, PER_BATCH, Unit("images")] = 1
  tasks: Names = ()


@dataclasses.dataclass(frozen=True)
class DataSettings(SourceSettings):
  """The main data, which counts the epochs, and what is mixed into it.

  Attributes:
    placement: "device": all images stay on it; "stream": they are read batch by
      batch; "auto": on the device if they fit.
    workers: processes that read a stream; 0: threads.
    sources: name -> further source.
  """

  placement: Placement = "auto"
  workers: Annotated[int, Bound(low=0, high=1024), Unit("processes")] = 0
  sources: Mapping[str, FurtherSource] = dataclasses.field(
    default_factory=_nothing
  )


@dataclasses.dataclass(frozen=True)
class BalancingSettings:
  """How the tasks' losses and gradients become one update.

  Attributes:
    loss: makes one objective of the tasks' losses.
    gradient: makes one gradient of the tasks' gradients.
    scope: what the gradient balancer acts on; "default" is its paper's choice.
    smoothing: fraction of the last weights in those of a gradient balancer, a
      moving average over updates (CR-MOGM); 0: none.
    primary: the task that balancers with a primary one take; "": the first, or
      all of them.
    task_loss: a task's "term" in the method's objective, or the "mean" over the
      images that are labelled for the task.
    learning_rate: of what loss balancers learn, with Adam; IAL does not say it.
    at_once: gradients that are computed together; 0: all.
    accuracy: on what AMTL and DTP measure accuracies: images "held_out" of the
      training, or the "eval_split", as released.
    held_out: fraction of the training images.
  """

  loss: Part
  gradient: Part
  scope: Literal["default", Scope] = "default"
  smoothing: Annotated[float, DECAY] = 0.0
  primary: str = ""
  task_loss: TaskLoss = "term"
  learning_rate: Annotated[float, POSITIVE] = 1e-3
  at_once: Annotated[int, Bound(low=0, high=10**4), Unit("tasks")] = 1
  accuracy: Literal["held_out", "eval_split"] = "held_out"
  held_out: Annotated[float, INNER_FRACTION] = 0.1


@dataclasses.dataclass(frozen=True)
class TrainSettings:
  """How long a network is trained, and with what batches.

  Attributes:
    batch_size: images of the main data in a batch; those of `data.sources` are
      added, and the sum is divided among the devices.
    epochs: passes over the images of the main data.
    steps: updates; 0: from the epochs.
    dtype: of the computation; parameters are float32.
    steps_per_dispatch: updates in one call of the device.
    height: devices that share the rows of an image, so that a batch can have
      more devices than images; it changes nothing but rounding.
    patience: end the run when so many evaluations in a row were not better by
      the metric that chooses checkpoints; 0: never.
  """

  batch_size: Annotated[int, BATCH, Unit("images"), Source("JTR, Sec. 6.2")] = 4
  epochs: Annotated[int, POSITIVE, Unit("epochs"), Source("JTR, Table 6")] = 300
  steps: Annotated[int, NOT_NEGATIVE, Unit("updates")] = 0
  dtype: Literal["float32", "bfloat16"] = "float32"
  steps_per_dispatch: Annotated[
    int, Bound(low=1, high=10**5), Unit("updates")
  ] = 1
  height: Annotated[int, Bound(low=1, high=1024), Unit("devices")] = 1
  patience: Annotated[int, NOT_NEGATIVE, Unit("evaluations")] = 0


@dataclasses.dataclass(frozen=True)
class EvaluateSettings:
  """When and how states are evaluated.

  Attributes:
    every_epochs: from one evaluation to the next; the end of a run has one in
      any case.
    batch_size: images in a batch.
    baseline: JSON file with the results that Delta_MTL compares with; "": none.
    metrics: "<task>/<metric>" that Delta_MTL and Acc_MTL are made of, several
      of a task are averaged; a task without any has its first one. (): the
      first one of every task, and no Acc_MTL.
    metric: "<task>/<metric>" that chooses the best checkpoint, "delta_mtl" or
      "acc_mtl"; "": Delta_MTL if there is a baseline, else the first metric of
      the primary or first task.
    pictures: images whose predictions are drawn.
    diagnosed: training images on which a method's diagnosis is measured, for
      methods that have one (JTR).
  """

  every_epochs: Annotated[int, POSITIVE, Unit("epochs")] = 5
  batch_size: Annotated[int, BATCH, Unit("images")] = 4
  baseline: str = ""
  metrics: Names = ()
  metric: str = ""
  pictures: Annotated[int, Bound(low=0, high=256), Unit("images")] = 4
  diagnosed: Annotated[int, Bound(low=0, high=256), Unit("images")] = 8


@dataclasses.dataclass(frozen=True)
class LogSettings:
  """What is logged.

  Attributes:
    every_steps: updates that a row of training losses averages.
  """

  every_steps: Annotated[int, POSITIVE, Unit("updates")] = 50


@dataclasses.dataclass(frozen=True)
class CheckpointSettings:
  """What is saved.

  Attributes:
    every_epochs: from one checkpoint to the next.
    keep_latest: latest checkpoints to keep.
    keep_best: best checkpoints to keep.
  """

  every_epochs: Annotated[int, POSITIVE, Unit("epochs")] = 5
  keep_latest: Annotated[int, POSITIVE, Unit("checkpoints")] = 2
  keep_best: Annotated[int, NOT_NEGATIVE, Unit("checkpoints")] = 1


@dataclasses.dataclass(frozen=True)
class Settings:
  """Everything that a config decides.

  Attributes:
    data: the images and labels.
    model: the network, and what it starts from.
    method: what is learned from the labels.
    balancing: how the tasks' losses and gradients become one update.
    optimizer: how gradients become updates.
    train: length, batch and precision.
    evaluate: when and how states are evaluated.
    log: what is logged.
    checkpoint: what is saved.
    augment: how views of an image are drawn.
    experiment: one run, or several.
    seed: of initialisation, order, augmentation and sampling.
    tasks: names, in order; () for all that the data has.
  """

  data: DataSettings
  model: ModelSettings
  method: Part
  balancing: BalancingSettings
  optimizer: OptimizerSettings
  train: TrainSettings
  evaluate: EvaluateSettings
  log: LogSettings
  checkpoint: CheckpointSettings
  augment: AugmentSettings
  experiment: ExperimentSettings = ExperimentSettings()
  seed: Annotated[int, SEED] = 0
  tasks: Names = TASKS
