"""Evaluates checkpoints of the released programs of MTPSL and JTR.

Source: MTPSL, nyu_eval.py and utils/evaluation.py; the same functions in JTR.
Metrics are those of all pixels of the split; losses are means over batches of
two images, each the mean over the pixels of its batch.
Deviations: mIoU is the mean over the classes that occur, where the released
code has NaN if one does not; a normal whose components sum to zero counts.
"""

import math
import os
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.loading import pipeline, selection
from jtr_jax.data.loading.examples import Examples, to_images, to_labels
from jtr_jax.data.records import prepared
from jtr_jax.data.records.dataset import Dataset
from jtr_jax.data.records.manifest import TaskOptions
from jtr_jax.metrics import accumulate
from jtr_jax.models import published
from jtr_jax.models.base import Tree
from jtr_jax.models.multitask import MultiTaskNet, decoder_name
from jtr_jax.models.published.released_segnet import ReleasedSegNet
from jtr_jax.models.segnet import Head, SegNet
from jtr_jax.pretrained import imported, recognition
from jtr_jax.tasks.base import Task
from jtr_jax.tasks.depth import Depth, InverseDepth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.segmentation import Segmentation
from jtr_jax.tensor_files.state_dict import StateDict, read_state_dict

BATCH = 2
"""Images in a batch of the released evaluation; losses are means over these."""

_KINDS = (("segmentation",), ("depth", "inverse_depth"), ("normals",))
_UNUSED = ("con_tasks.*",)
_METRICS = (  # the order of the released table, and its names
  ("loss", "loss"),
  ("miou", "mIoU"),
  ("pixel_accuracy", "pixel accuracy"),
  ("abs_err", "abs"),
  ("rmse", "rel (it is the root mean square)"),
  ("mean_deg", "mean"),
  ("rmse_deg", "med (it is the root mean square)"),
  ("within_11.25", "11.25"),
  ("within_22.5", "22.5"),
  ("within_30", "30"),
)


class Measured(NamedTuple):
  """The evaluation of a checkpoint.

  Attributes:
    network: <program>.<network>.
    place: where in the file the network was.
    images: how many were evaluated.
    metrics: "<task>/<metric>" -> value, "<task>/loss" among them.
  """

  network: str
  place: str
  images: int
  metrics: dict[str, float]


def evaluate(
  checkpoint: str | os.PathLike[str],
  data: str | os.PathLike[str],
  split: str = "val",
) -> Measured:
  """Return the metrics of a released checkpoint.

  Args:
    checkpoint: a file as the released programs save it.
    data: directory of a prepared data set.
    split: of it.

  Raises:
    ValueError: another network, or data that does not fit it.
    OSError: the file cannot be read.
  """
  found = read_state_dict(checkpoint)
  name = _name(found, checkpoint)
  network = imported.from_state_dict(
    found, name, ignore=_UNUSED, source=checkpoint
  )
  shapes = {key: array.shape for key, array in found.tensors.items()}
  module = published.find(name, shapes).module
  assert isinstance(module, ReleasedSegNet)
  dataset = prepared.open_dataset(data)
  tasks = _tasks(dataset, module.channels)
  images = selection.select(dataset, split, [task.name for task in tasks])
  heads = tuple(Head(task.channels) for task in tasks)
  net = MultiTaskNet(SegNet(module.filters), heads, tasks)
  params, state = _stages(network.variables, tasks)
  metrics = _measure(net, params, state, images)
  return Measured(name, found.place, images.size, metrics)


def table(measured: Measured) -> Iterator[str]:
  """Yield the lines of a table, in the order of the released one.

  Args:
    measured: the evaluation.
  """
  yield f"{'quantity':<28} {'value':>9}  in the released table"
  for name, value in measured.metrics.items():
    metric = name.rpartition("/")[2]
    for known, released in _METRICS:
      if metric == known:
        yield f"{name:<28} {value:>9.4f}  {released}"


def _name(found: StateDict, checkpoint: str | os.PathLike[str]) -> str:
  """Return which of the released networks these tensors are."""
  known = {n for n in published.NETWORKS if n.startswith(("mtpsl.", "jtr."))}
  used = {n: a for n, a in found.tensors.items() if not n.startswith("con_")}
  for name in recognition.fitting(found._replace(tensors=used)):
    if name in known:
      return name
  near = recognition.nearest(found)
  raise ValueError(
    errors.message(
      f"{os.fspath(checkpoint)} is no checkpoint of a released program",
      found=f"{len(found.tensors)} tensors, most like those of {near.network}"
      if near
      else f"{len(found.tensors)} tensors of an unknown network",
      expected="one of " + ", ".join(sorted(known)),
      do="See what is in it: python -m jtr_jax.weights show FILE",
    )
  )


def _tasks(dataset: Dataset, channels: tuple[int, ...]) -> tuple[Task, ...]:
  """Return the tasks of the data in the order of the heads."""
  options = dataset.manifest.tasks
  names = {options[name]["kind"]: name for name in options}
  tasks: list[Task] = []
  for kinds, width in zip(_KINDS, channels, strict=True):
    for name in (names[kind] for kind in kinds if kind in names):
      task = _task(name, options[name])
      if task.channels != width:
        raise _unfit(
          dataset, f"{task.channels} channels of {name!r}", f"{width} channels"
        )
      tasks.append(task)
  if len(tasks) < 2 or not isinstance(tasks[0], Segmentation):
    expected = "segmentation, depth and, for NYUv2, normals"
    raise _unfit(dataset, f"the tasks {', '.join(options)}", expected)
  return tuple(tasks)


def _task(name: str, options: TaskOptions) -> Task:
  match options["kind"]:
    case "segmentation":
      return Segmentation(name, len(options["classes"]))
    case "depth":
      return Depth(name)
    case "inverse_depth":
      return InverseDepth(name)
    case _:
      return Normals(name)


def _unfit(dataset: Dataset, found: str, expected: str) -> ValueError:
  return ValueError(
    errors.message(
      f"The data in {dataset.directory} is not what the checkpoint is for",
      found=found,
      expected=expected,
      do="Prepare the data set that it was trained on.",
    )
  )


def _stages(variables: Tree, tasks: tuple[Task, ...]) -> tuple[Tree, Tree]:
  """Return (params, model_state) of the multi-task network."""
  params = {"encoder": variables["params"]["backbone"]}
  state: Tree = {"encoder": variables["batch_stats"]["backbone"]}
  for index, task in enumerate(tasks, start=1):
    name = decoder_name(task.name)
    params[name] = variables["params"]["top"][f"task{index}"]
    state[name] = {}
  return params, state


def _measure(
  net: MultiTaskNet, params: Tree, state: Tree, images: selection.Selection
) -> dict[str, float]:
  """Return the metrics of the split, and the losses as released."""

  @jax.jit
  def look(params: Tree, state: Tree, examples: Examples) -> tuple[Tree, Tree]:
    predictions, _ = net.predict(
      params, state, to_images(examples), train=False
    )
    labels = to_labels(examples)
    pairs = {t.name: (predictions[t.name], labels[t.name]) for t in net.tasks}
    sums = {t.name: t.metric_sums(*pairs[t.name]) for t in net.tasks}
    losses = {t.name: t.loss(*pairs[t.name]) for t in net.tasks}
    return sums, losses

  totals: accumulate.SplitTotals = {}
  batch_means: dict[str, list[float]] = {task.name: [] for task in net.tasks}
  for examples, _ in pipeline.evaluation_batches(images, BATCH):
    sums, losses = jax.device_get(look(params, state, examples))
    totals = accumulate.add(totals, sums)
    for name, loss in losses.items():
      pixels = float(loss.weight.sum())
      mean = float(loss.sum.sum()) / pixels if pixels else math.nan
      batch_means[name].append(mean)
  values = accumulate.values(net.tasks, totals)
  return {
    name: value
    for task in net.tasks
    for name, value in (
      (f"{task.name}/loss", float(np.mean(batch_means[task.name]))),
      *((n, v) for n, v in values.items() if n.startswith(f"{task.name}/")),
    )
  }
