"""What the names in a config mean: the tables of constructors."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import jax.numpy as jnp

from jtr_jax.balancing import registry
from jtr_jax.core import errors
from jtr_jax.methods import consistency, cross_task_maps, mtpsl, supervised
from jtr_jax.methods.base import Method
from jtr_jax.methods.cross_task_maps import MapSettings
from jtr_jax.methods.jtr import jtr
from jtr_jax.methods.jtr import settings as jtr_settings
from jtr_jax.methods.jtr.joint_tensor import Stacking
from jtr_jax.methods.jtr.settings import JtrSettings
from jtr_jax.methods.mtpsl import MtpslSettings
from jtr_jax.methods.supervised import Share
from jtr_jax.models.mapping import MappingNet
from jtr_jax.models.multitask import AutoEncoder, MultiTaskNet
from jtr_jax.models.normalization import Statistics
from jtr_jax.models.segnet import FILTERS, Head, SegNet
from jtr_jax.tasks.base import Task
from jtr_jax.tasks.depth import Depth, InverseDepth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.regression import Regression
from jtr_jax.tasks.segmentation import Segmentation
from jtr_jax.train import optimizer

Filters: TypeAlias = tuple[int, ...]
"""Widths of SegNet's stages, five of them in the papers."""

DTYPES = {name: jnp.dtype(name) for name in ("float32", "bfloat16")}


class Field(NamedTuple):
  """A field that a builder takes.

  Attributes:
    hint: its type annotation.
    default: its value unless a config says otherwise.
  """

  hint: Any
  default: Any


class Builder(NamedTuple):
  """A constructor, and the fields of a config section that it takes.

  Attributes:
    build: (tasks, **fields) -> object; gets `dtype` and `steps_per_epoch` if it
      asks for them.
    fields: what it takes.
    groups: of a method, for each optimiser's group besides the main one the
      values of its fields in the section `optimizer`, <group>_<field>.
  """

  build: Callable[..., Any]
  fields: Mapping[str, Field]
  groups: Mapping[str, Mapping[str, float]] = MappingProxyType({})


def group_fields(method: str) -> dict[str, float]:
  """Return what a method adds to the section `optimizer`, name -> value."""
  return {
    f"{group}_{field}": value
    for group, fields in find("method", method, METHODS).groups.items()
    for field, value in fields.items()
  }


def fields_of(*callables: Callable[..., Any]) -> dict[str, Field]:
  """Return the parameters with a default of functions or dataclasses."""
  return {
    parameter.name: Field(parameter.annotation, parameter.default)
    for function in callables
    for parameter in inspect.signature(function).parameters.values()
    if parameter.default is not parameter.empty
    and parameter.annotation is not Stacking
  }


def find(kind: str, name: str, table: Mapping[str, Any]) -> Any:
  """Return an entry of a table, or say which name is nearest."""
  if name not in table:
    raise errors.unknown_name(kind, name, table)
  return table[name]


def preset(method: str, variant: str) -> dict[str, Any]:
  """Return what a variant says of the fields of the section `method`.

  Args:
    method: a key of `METHODS`; one without variants of its own has the share of
      a label that JTR has.
    variant: "paper", or "official" for the released code.

  Returns:
    Field -> value.

  Raises:
    ValueError: an unknown name, naming the nearest.
  """
  settings = find(
    "variant", variant, VARIANTS.get(method, jtr_settings.VARIANTS)
  )
  flat: dict[str, Any] = {}
  for name, value in vars(settings).items():
    flat |= vars(value) if dataclasses.is_dataclass(value) else {name: value}
  known = find("method", method, METHODS).fields
  return {name: value for name, value in flat.items() if name in known}


def _segmentation(name: str, *, classes: tuple[str, ...]) -> Task:
  return Segmentation(name, num_classes=len(classes), class_names=classes)


def _regression(
  name: str, *, channels: int = 1, unit: str = "", **fields: Any
) -> Task:
  del unit  # nothing is written in it
  return Regression(name, channels_=channels, **fields)


def _segnet(
  tasks: tuple[Task, ...], *, dtype: Any, filters: Filters = FILTERS
) -> MultiTaskNet:
  heads = tuple(Head(task.channels, dtype) for task in tasks)
  return MultiTaskNet(SegNet(filters, dtype=dtype), heads, tasks)


def _stl(tasks: tuple[Task, ...], *, share: Share = "image") -> Method:
  if len(tasks) != 1:
    names = tuple(task.name for task in tasks)
    raise ValueError(
      errors.message(
        "Single-task learning has one task",
        found=names,
        expected="one of them",
        do="Train a network for each of them: --config.stages.plan=stl, or for "
        f"one: --config.tasks=\"('{names[0]}',)\". One network for all is the "
        "method 'supervised'.",
      )
    )
  return supervised.supervised(tasks, share=share)


def _jtr(
  tasks: tuple[Task, ...],
  *,
  dtype: Any,
  autoencoder_filters: Filters = FILTERS,
  autoencoder_statistics: Statistics = "image",
  **settings: Any,
) -> Method:
  trunk = SegNet(autoencoder_filters, autoencoder_statistics, dtype)
  head = Head(sum(task.joint_channels for task in tasks), dtype)
  own = {f: settings.pop(f) for f in fields_of(Stacking) if f in settings}
  return jtr.jtr(
    tasks,
    AutoEncoder(trunk, head),
    JtrSettings(**settings, stacking=Stacking(**own)),
  )


def _mtpsl(
  tasks: tuple[Task, ...],
  *,
  dtype: Any,
  steps_per_epoch: float,
  mapping_filters: Filters = FILTERS,
  **settings: Any,
) -> Method:
  names = tuple(task.name for task in tasks)
  mapping = MappingNet(names, mapping_filters, dtype)
  return mtpsl.mtpsl(
    tasks, mapping, MtpslSettings(**settings), steps_per_epoch=steps_per_epoch
  )


def _cross_task_maps(
  tasks: tuple[Task, ...],
  *,
  dtype: Any,
  mapping_filters: Filters = FILTERS,
  **settings: Any,
) -> Method:
  trunk = SegNet(mapping_filters, "image", dtype, running=False)
  head = Head(max(task.channels for task in tasks), dtype)
  return cross_task_maps.cross_task_maps(
    tasks, AutoEncoder(trunk, head), MapSettings(**settings)
  )


def _builder(
  build: Callable[..., Any], *settings: Callable[..., Any]
) -> Builder:
  """Return an entry; `settings` name the rest of what `build` takes."""
  return Builder(build, fields_of(build, *settings))


_FILM_GROUP = {
  "learning_rate": 1e-3,  # released nyu_mtl_xtc.py; 1e-5 for Cityscapes
  "decay_rate": 0.5,  # factor; released nyu_mtl_xtc.py
  "decay_epochs": 30,  # epochs between two falls; released nyu_mtl_xtc.py
}


def _balancer(build: Callable[..., Any]) -> Builder:
  """Return an entry; primary task and period are known from elsewhere."""
  fields = fields_of(build)
  own = {n: f for n, f in fields.items() if n not in ("primary", "period")}
  return Builder(build, own)


TASK_KINDS: Mapping[str, Callable[..., Task]] = {
  "segmentation": _segmentation,
  "depth": Depth,
  "inverse_depth": InverseDepth,
  "normals": Normals,
  "regression": _regression,
}
MODELS = {"segnet": _builder(_segnet)}
METHODS = {
  "stl": _builder(_stl),
  "supervised": _builder(supervised.supervised),
  "consistency": _builder(consistency.consistency),
  "jtr": _builder(_jtr, JtrSettings, Stacking),
  "cross_task_maps": _builder(_cross_task_maps, MapSettings),
  "mtpsl": _builder(_mtpsl, MtpslSettings)._replace(
    groups={mtpsl.FILM: _FILM_GROUP}
  ),
}
VARIANTS: Mapping[str, Mapping[str, Any]] = {
  "jtr": jtr_settings.VARIANTS,
  "mtpsl": mtpsl.VARIANTS,
}
LOSS_BALANCERS = {
  name: _balancer(build) for name, build in registry.LOSS.items()
}
GRADIENT_BALANCERS = {
  "none": Builder(lambda num_tasks: None, {}),
  **{name: _balancer(build) for name, build in registry.GRADIENT.items()},
}
OPTIMIZERS = {"adam": optimizer.adam}
