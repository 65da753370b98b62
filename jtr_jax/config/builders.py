"""Constructors whose keyword arguments are the fields of a config.

They build a method with its networks. A constructor may have parameters that
only the run knows: `dtype`, and `steps_per_epoch`.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from jtr_jax.config import schema
from jtr_jax.core import errors
from jtr_jax.core.fields import (
  CHANNELS,
  NOT_EMPTY,
  NOT_NEGATIVE,
  Unit,
)
from jtr_jax.methods import cross_task_maps as maps
from jtr_jax.methods import mtpsl as mtpsl_
from jtr_jax.methods import supervised
from jtr_jax.methods.base import Method
from jtr_jax.methods.jtr import jtr as jtr_
from jtr_jax.methods.jtr import settings as jtr_settings
from jtr_jax.methods.jtr.joint_tensor import Stacking
from jtr_jax.methods.jtr.settings import JtrSettings
from jtr_jax.methods.supervised import LabelWeighting
from jtr_jax.methods.traits import Traits, declare
from jtr_jax.models import networks
from jtr_jax.models.base import Compute
from jtr_jax.models.heads.linear import PooledHead
from jtr_jax.models.mapping import MappingNet
from jtr_jax.models.multitask import AutoEncoder, MultiTaskNet
from jtr_jax.models.normalization import Statistics
from jtr_jax.models.segnet import FILTERS, Head, SegNet, Unpooling
from jtr_jax.tasks.base import Task

Filters: TypeAlias = Annotated[
  tuple[int, ...], CHANNELS, NOT_EMPTY, Unit("channels")
]
"""Widths of SegNet's stages, five of them in the papers."""

MappingFilters: TypeAlias = Annotated[
  tuple[int, ...], NOT_NEGATIVE, NOT_EMPTY, Unit("channels")
]
"""The same; 0 at the end stands for the width of the encoder's bottleneck."""


def network(
  backbone: str, tasks: tuple[Task, ...], *, dtype: Any, **fields: Any
) -> MultiTaskNet:
  """Return a network that begins with a backbone, with a head for each task.

  Args:
    backbone: a key of `BACKBONES`.
    tasks: the tasks.
    dtype: of the computation.
    **fields: of `NetworkSettings`.
  """
  settings = networks.NetworkSettings(**fields)
  return networks.make_network(tasks, backbone, settings, dtype)


def segnet(
  tasks: tuple[Task, ...], *, dtype: Any, filters: Filters = FILTERS
) -> MultiTaskNet:
  """Return SegNet with a head for each task.

  Args:
    tasks: the tasks.
    dtype: of the computation.
    filters: widths of the stages; the last one is the bottleneck's.
  """
  heads = tuple(
    PooledHead(task.channels, Compute(dtype), task.grid)
    if task.grid
    else Head(task.channels, dtype)
    for task in tasks
  )
  return MultiTaskNet(SegNet(filters, dtype=dtype), heads, tasks)


@declare(Traits(supervised.SINGLE_TASK_VARIANTS))
def stl(
  tasks: tuple[Task, ...], *, label_weighting: LabelWeighting = "image"
) -> Method:
  """Return single-task learning: supervised learning of one task.

  Args:
    tasks: one task.
    label_weighting: see `supervised`.

  Raises:
    ValueError: several tasks.
  """
  if len(tasks) != 1:
    names = tuple(task.name for task in tasks)
    raise ValueError(
      errors.message(
        "Single-task learning has one task",
        found=names,
        expected="one of them",
        do="Train a network for each of them: --config.experiment.kind=stl, or "
        f"for one: --config.tasks={names[0]}. One network for all is the "
        "method 'supervised'.",
      )
    )
  return supervised.supervised(tasks, label_weighting=label_weighting)


@declare(
  Traits(
    jtr_settings.VARIANTS,
    filters="autoencoder_filters",
    unlabelled={"unlabelled": "consistency"},
    label_warning=jtr_settings.label_warning,
  )
)
def jtr(
  tasks: tuple[Task, ...],
  *,
  dtype: Any,
  autoencoder_filters: Filters = FILTERS,
  autoencoder_statistics: Statistics = "image",
  autoencoder_unpooling: Unpooling = "positions",
  **settings: Any,
) -> Method:
  """Return JTR with a SegNet as its auto-encoder.

  Args:
    tasks: the tasks.
    dtype: of the computation.
    autoencoder_filters: widths of the stages, as those of the network.
    autoencoder_statistics: over what its batch norm averages.
    autoencoder_unpooling: how its decoder enlarges: at the "positions" of the
      encoder's maxima, which pass by the bottleneck, or "nearest".
    **settings: of `JtrSettings` and `Stacking`.

  Raises:
    ValueError: a single task, which no joint space relates to another.
  """
  if len(tasks) < 2:
    raise ValueError(
      errors.message(
        "JTR relates tasks with each other",
        found=f"{tasks[0].name!r} alone",
        expected="two tasks or more",
        do="Add a task to config.tasks, or train this one alone with the "
        "method 'supervised' or 'stl'.",
      )
    )
  trunk = SegNet(
    autoencoder_filters,
    autoencoder_statistics,
    dtype,
    unpooling=autoencoder_unpooling,
  )
  head = Head(sum(task.joint_channels for task in tasks), dtype)
  stacking = {f: settings.pop(f) for f in schema.fields_of(Stacking)}
  return jtr_.jtr(
    tasks,
    AutoEncoder(trunk, head),
    JtrSettings(**settings, stacking=Stacking(**stacking)),
  )


@declare(
  Traits(
    mtpsl_.VARIANTS,
    mtpsl_.GROUPS,
    filters="mapping_filters",
    label_warning=mtpsl_.label_warning,
  )
)
def mtpsl(
  tasks: tuple[Task, ...],
  *,
  dtype: Any,
  steps_per_epoch: float,
  bottleneck: Callable[[], int],
  mapping_filters: MappingFilters = (*FILTERS[:-1], 0),
  **settings: Any,
) -> Method:
  """Return MTPSL with its mapping network.

  Args:
    tasks: the tasks.
    dtype: of the computation.
    steps_per_epoch: updates in an epoch.
    bottleneck: gives the width of the encoder's deepest map.
    mapping_filters: widths of the stages, as those of the network; 0 at the end
      for that of the encoder's deepest map.
    **settings: of `MtpslSettings`.
  """
  *widths, last = mapping_filters
  filters = (*widths, last or bottleneck())
  names = tuple(task.name for task in tasks)
  return mtpsl_.mtpsl(
    tasks,
    MappingNet(names, filters, dtype),
    mtpsl_.MtpslSettings(**settings),
    steps_per_epoch=steps_per_epoch,
  )


@declare(Traits(maps.VARIANTS, filters="mapping_filters"))
def cross_task_maps(
  tasks: tuple[Task, ...],
  *,
  dtype: Any,
  mapping_filters: Filters = FILTERS,
  **settings: Any,
) -> Method:
  """Return cross-task maps, a SegNet for each pair of tasks.

  Args:
    tasks: the tasks.
    dtype: of the computation.
    mapping_filters: widths of the stages.
    **settings: of `MapSettings`.
  """
  trunk = SegNet(mapping_filters, "image", dtype, running=False)
  head = Head(max(task.channels for task in tasks), dtype)
  return maps.cross_task_maps(
    tasks, AutoEncoder(trunk, head), maps.MapSettings(**settings)
  )
