"""From the workdir of a run to its network, without its data."""

from pathlib import Path
from typing import NamedTuple

import jax

from jtr_jax.config import build, deciding_metric, saved
from jtr_jax.config.derive import MAIN_DATA
from jtr_jax.config.settings import Settings, SourceSettings
from jtr_jax.core import errors
from jtr_jax.data.loading import joint_tasks
from jtr_jax.data.records import prepared
from jtr_jax.data.records.manifest import Manifest
from jtr_jax.models.base import Tree
from jtr_jax.models.multitask import MultiTaskNet
from jtr_jax.pretrained import weights_file
from jtr_jax.tasks.base import Task
from jtr_jax.train.averaging import AVERAGE, to_evaluate
from jtr_jax.workdir import network_file
from jtr_jax.workdir.checkpoints import Checkpoints, Which
from jtr_jax.workdir.network_file import NetworkFile


class Trained(NamedTuple):
  """A network as a run left it.

  Attributes:
    folder: workdir of the run.
    settings: of the run.
    about: size of its training images, and what its tasks are.
    net: the network.
    params: to evaluate with: averages, if the run kept some.
    model_state: running statistics that belong to them.
    step: of the checkpoint.
  """

  folder: Path
  settings: Settings
  about: NetworkFile
  net: MultiTaskNet
  params: Tree
  model_state: Tree
  step: int

  @property
  def tasks(self) -> tuple[Task, ...]:
    """What the network predicts, in order."""
    return self.net.tasks


def restore(folder: Path, which: Which) -> Trained:
  """Return the network of a run, on the first device.

  Neither the data nor the devices of the training are needed, and nothing is
  written.

  Args:
    folder: workdir of one run, or a folder of `python -m jtr_jax.card`, which
      has the weights of one step alone.
    which: "best", "latest" or a step.

  Raises:
    ValueError: there is no run in the folder, or no such checkpoint.
  """
  settings = saved.read(folder)
  about = network_file.read(folder) or _of_data(folder, settings)
  tasks = _make_tasks(settings, about)
  net = build.make_model(settings, tasks)
  if (folder / weights_file.NAME).exists():
    wanted = _abstract(net, about.size, has_averages=False)
    part, step = weights_file.read(folder, wanted)
  else:
    part, step = _read_checkpoint(folder, which, settings, about, net)
  params, state = to_evaluate(part["params"], part["model_state"])
  state = {name: part for name, part in state.items() if name != AVERAGE}
  return Trained(folder, settings, about, net, params, state, step)


def _read_checkpoint(
  folder: Path,
  which: Which,
  settings: Settings,
  about: NetworkFile,
  net: MultiTaskNet,
) -> tuple[Tree, int]:
  """Return the network's part of a checkpoint, and its step."""
  metric, direction = deciding_metric.of_run(settings, net.tasks)
  with Checkpoints(
    folder / "checkpoints",
    metric=metric,
    higher_is_better=direction > 0,
    read_only=True,
  ) as checkpoints:
    has_averages = any(
      name.startswith(f"model_state/{AVERAGE}/")
      for name in checkpoints.arrays(which)
    )
    wanted = _abstract(net, about.size, has_averages=has_averages)
    restored = checkpoints.restore_part(which, wanted)
  return restored.state, restored.step


def _make_tasks(settings: Settings, about: NetworkFile) -> tuple[Task, ...]:
  options = {name: dict(task) for name, task in about.tasks.items()}
  manifest = Manifest("network.json", about.size, options, {}, {})
  names = settings.tasks or tuple(options)
  return build.make_tasks(names, manifest, settings.augment.normal_resize)


def _abstract(
  net: MultiTaskNet, size: tuple[int, int], *, has_averages: bool
) -> dict[str, Tree]:
  """Return the shapes of the network's part of a checkpoint."""
  params, state = jax.eval_shape(
    lambda: net.init(jax.random.key(0), (*size, 3))
  )
  if has_averages:
    average = {"params": params, "statistics": state}
    return {"params": params, "model_state": {**state, AVERAGE: average}}
  return {"params": params, "model_state": state}


def _of_data(folder: Path, settings: Settings) -> NetworkFile:
  """Return the same of a run of an older program, from its prepared data."""
  sources: dict[str, SourceSettings] = {
    MAIN_DATA: settings.data,
    **settings.data.sources,
  }
  manifests = {}
  for name, source in sources.items():
    if not prepared.is_prepared(source.directory):
      raise ValueError(
        errors.message(
          f"{folder} does not say what its tasks are",
          found=f"no network.json, and no prepared data in {source.directory}",
          expected="one of them",
          do="Repeat the training command, which writes network.json, or go "
          "to the folder where the run was trained.",
        )
      )
    manifests[name] = prepared.open_dataset(source.directory).manifest
  main = manifests[MAIN_DATA]
  return NetworkFile(main.size, main.fit, joint_tasks.join_tasks(manifests))
