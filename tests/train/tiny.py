"""A tiny run in memory, for the tests of training."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax

from jtr_jax.data.augment.views import AugmentSettings
from jtr_jax.data.loading import pipeline
from jtr_jax.data.loading.feed import Delivery, Feed, Shardings
from jtr_jax.data.loading.selection import join, select
from jtr_jax.data.records.manifest import Manifest, Split
from jtr_jax.data.records.prepared import Dataset
from jtr_jax.methods import consistency, cross_task_maps, mtpsl, supervised
from jtr_jax.methods.base import Method
from jtr_jax.methods.jtr import jtr
from jtr_jax.methods.jtr import settings as jtr_settings
from jtr_jax.models.mapping import MappingNet
from jtr_jax.models.multitask import AutoEncoder, MultiTaskNet
from jtr_jax.models.segnet import Head, SegNet
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.segmentation import Segmentation
from jtr_jax.train import dispatch, evaluate
from jtr_jax.train.run_parts import Evaluate, Run, Schedule
from jtr_jax.train.schedules import staircase
from jtr_jax.train.update_rules import adam

SIZE = (8, 12)
FILTERS = (4,)
BATCH = 4
IMAGES = {"train": 10, "val": 7}
SCHEDULE = Schedule(
  total=12,
  log=5,
  evaluate=6,
  save=4,
  dispatch=1,
  steps_per_epoch=Fraction(IMAGES["train"], BATCH),
)
JTR = {"paper": jtr_settings.PAPER, "official": jtr_settings.RELEASED}
TASKS = (Segmentation("segmentation", 4), Depth("depth"), Normals("normals"))
NAMES = tuple(task.name for task in TASKS)
OPTIONS = {
  "segmentation": {"kind": "segmentation", "classes": list("abcd")},
  "depth": {"kind": "depth"},
  "normals": {"kind": "normals"},
}


@dataclasses.dataclass(frozen=True)
class MemoryDataset(Dataset):
  """A prepared data set whose records are not on disk."""

  records: dict[str, list[dict[str, Any]]]

  def source(self, split: str, tasks: Sequence[str] | None = None) -> Any:
    del tasks
    return self.records[split]


def make_dataset() -> MemoryDataset:
  """Every image has every label; some pixels have none."""
  manifest = Manifest(
    "tiny",
    SIZE,
    OPTIONS,
    {
      split: Split(
        tuple(f"{split}_{i}" for i in range(count)),
        {name: np.ones(count, bool) for name in NAMES},
      )
      for split, count in IMAGES.items()
    },
    {},
  )
  records = {
    split: [_record(len(split) + 100 * i) for i in range(count)]
    for split, count in IMAGES.items()
  }
  return MemoryDataset(Path("memory"), manifest, records)


def _record(seed: int) -> dict[str, np.ndarray]:
  draw = np.random.default_rng(seed)
  depth = draw.uniform(1, 5, (*SIZE, 1)).astype(np.float32)
  depth[0, :3] = np.nan
  return {
    "image": draw.integers(0, 256, (*SIZE, 3), np.uint8),
    "segmentation": draw.integers(-1, 4, SIZE).astype(np.int8),
    "depth": depth,
    "normals": draw.uniform(-1, 1, (*SIZE, 3)).astype(np.float16),
  }


def half_labelled() -> np.ndarray:
  """bool[N, K]: an image without, with one, two and all labels, and so on."""
  shown = np.random.default_rng(5).random((IMAGES["train"], len(TASKS))) < 0.5
  shown[0], shown[1] = False, True
  return shown


def make_train_feed(
  mesh: jax.sharding.Mesh, *, batch: int = BATCH, labelled: Any = None
) -> Feed:
  return pipeline.make_feed(
    make_dataset(),
    "train",
    NAMES,
    half_labelled() if labelled is None else labelled,
    batch_size=batch,
    seed=0,
    delivery=_delivery(mesh),
  )


def make_mixed_feed(mesh: jax.sharding.Mesh) -> Feed:
  """Three labelled images of the one split and one of the other in a batch."""
  dataset = make_dataset()
  images = [
    select(dataset, "train", NAMES, half_labelled(), images="labelled"),
    select(dataset, "val", NAMES),
  ]
  return pipeline.mixed_feed(
    join(images), (BATCH - 1, 1), seed=0, delivery=_delivery(mesh)
  )


def make_net(dtype: Any = np.float32) -> MultiTaskNet:
  heads = tuple(Head(task.channels, dtype) for task in TASKS)
  return MultiTaskNet(SegNet(FILTERS, dtype=dtype), heads, TASKS)


def make_method(name: str, dtype: Any = np.float32) -> Method:
  if name == "supervised":
    return supervised.supervised(TASKS)
  if name == "consistency":
    return consistency.consistency(TASKS)
  if name == "mtpsl":
    return mtpsl.mtpsl(TASKS, MappingNet(NAMES, FILTERS, dtype))
  if name == "direct_map":
    trunk = SegNet(FILTERS, "image", dtype, running=False)
    head = Head(max(task.channels for task in TASKS), dtype)
    return cross_task_maps.cross_task_maps(TASKS, AutoEncoder(trunk, head))
  settings = JTR[name]
  return jtr.jtr(TASKS, make_autoencoder(dtype), settings)


def make_autoencoder(dtype: Any = np.float32) -> AutoEncoder:
  head = Head(sum(task.joint_channels for task in TASKS), dtype)
  return AutoEncoder(SegNet(FILTERS, "image", dtype), head)


def make_run(
  method: str = "supervised",
  *,
  devices: int = 1,
  height: int = 1,
  batch: int = BATCH,
  dtype: Any = np.float32,
  optimizer: optax.GradientTransformation | None = None,
  schedule: Schedule = SCHEDULE,
  labelled: Any = None,
) -> Run:
  """A run of one of supervised, consistency, paper and official."""
  mesh = dispatch.make_mesh(batch, jax.devices()[:devices], height=height)
  net = make_net(dtype)
  return Run(
    net=net,
    method=make_method(method, dtype),
    optimizer=optimizer or adam(staircase(1e-2, 0.5, 100)),
    augment=AugmentSettings(flip=True),
    feed=make_train_feed(mesh, batch=batch, labelled=labelled),
    sample_ids=make_dataset().manifest.split("train").ids,
    size=SIZE,
    batch_size=batch,
    seed=0,
    mesh=mesh,
    schedule=schedule,
    evaluate=make_evaluate(net, mesh, batch),
    eval_split="val",
  )


def place(run: Run, tree: Any) -> Any:
  """Copy arrays to the devices; a program compiles anew for host arrays."""
  return jax.device_put(tree, dispatch.replicated(run.mesh))


def make_evaluate(
  net: MultiTaskNet, mesh: jax.sharding.Mesh, batch: int = BATCH
) -> Evaluate:
  """The metrics of the validation images."""
  feed, steps = make_evaluation_feed(mesh, batch)
  step = evaluate.make_evaluation_step(net, feed, mesh)
  return lambda state: evaluate.evaluate(net, step, state, feed, steps=steps)


def make_evaluation_feed(
  mesh: jax.sharding.Mesh, batch: int
) -> tuple[Feed, int]:
  """The feed of the validation images, and how many batches they are."""
  images = select(make_dataset(), "val", NAMES)
  feed = pipeline.evaluation_feed(
    images, batch_size=batch, delivery=_delivery(mesh)
  )
  return feed, pipeline.evaluation_steps(images, batch)


def _delivery(mesh: jax.sharding.Mesh) -> Delivery:
  shardings = Shardings(dispatch.replicated(mesh))
  return Delivery("device", shardings=shardings)
