"""The only tables from the names in a config to constructors.

Where a table has a name, a user may also write `package.module:attribute`.
"""

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import jax.numpy as jnp

from jtr_jax.balancing import registry as balancers
from jtr_jax.config import (
  builders,
  method_traits,
  own_parts,
  own_tasks,
  schema,
)
from jtr_jax.config.schema import Field
from jtr_jax.config.settings import OptimizerSettings, Part
from jtr_jax.config.task_kinds import TASK_KINDS
from jtr_jax.core import errors
from jtr_jax.data.classes.translation import KNOWN
from jtr_jax.data.datasets import prepare
from jtr_jax.data.datasets.readers import Reader
from jtr_jax.data.records import prepared
from jtr_jax.data.records.prepared import Dataset
from jtr_jax.methods import consistency, supervised
from jtr_jax.methods.cross_task_maps import MapSettings
from jtr_jax.methods.jtr.joint_tensor import Stacking
from jtr_jax.methods.jtr.settings import JtrSettings
from jtr_jax.methods.mtpsl import MtpslSettings
from jtr_jax.methods.traits import Traits, traits_of
from jtr_jax.models import networks
from jtr_jax.models.backbones.registry import BACKBONES
from jtr_jax.models.networks import NetworkSettings
from jtr_jax.tasks.base import Task
from jtr_jax.train import update_rules

DTYPES = {name: jnp.dtype(name) for name in ("float32", "bfloat16")}

PREPARED = "prepared"
"""The name of data that is prepared already, whatever it is."""

_OF_THE_RUN = ("bottleneck", "dtype", "period", "primary", "steps_per_epoch")
"""Keyword arguments that a constructor gets from the run, not from a config."""


class Entry(NamedTuple):
  """A constructor and its fields.

  Attributes:
    build: the constructor.
    fields: its keyword arguments that a config may set.
    traits: of a method, what its constructor declares.
  """

  build: Callable[..., Any]
  fields: Mapping[str, Field]
  traits: Traits = Traits()

  @property
  def group_fields(self) -> dict[str, Field]:
    """Fields that a method adds to the section `optimizer`."""
    fields = schema.fields_of(OptimizerSettings)
    usual = {name: fields[name] for name in method_traits.GROUP_FIELDS}
    return {
      f"{group}_{name}": field._replace(default=own.get(name, field.default))
      for group, own in self.traits.groups.items()
      for name, field in usual.items()
    }

  def part(self, name: str, **fields: Any) -> Part:
    """Return the choice of this entry; fields not given have their defaults.

    Raises:
      ValueError: an unknown field, naming the nearest.
    """
    schema.check_names(f"field of {name!r}", fields, self.fields)
    values = {**schema.defaults(self.fields), **fields}
    return Part(name, MappingProxyType(values), self.build)


def find(kind: str, name: str, table: Mapping[str, Entry]) -> Entry:
  """Return the entry of a name.

  Args:
    kind: what the name is of, for error messages.
    name: a key of the table, or `package.module:attribute`.
    table: the built-in entries.

  Raises:
    ValueError: an unknown name, naming the nearest, or an attribute that cannot
      be imported.
  """
  if own_parts.is_own(name):
    return _own_entry(kind, name)
  if name not in table:
    raise errors.unknown_name(kind, name, table)
  return table[name]


def make_task(name: str, options: Mapping[str, Any]) -> Task:
  """Return a task.

  Args:
    name: of the task.
    options: its `kind`, and keyword arguments of that; lists for tuples. With
      `task`, `package.module:attribute`, the user's own class takes the place
      of that of the kind, which then only says how labels are stored. What a
      data set knows of the classes is no part of the task.

  Raises:
    ValueError: the user's own class cannot be used with these options.
  """
  fields = {
    field: tuple(value) if isinstance(value, list) else value
    for field, value in options.items()
    if field not in ("kind", "task", KNOWN)
  }
  if "task" in options:
    return own_tasks.make(name, options["task"], fields)
  return TASK_KINDS[options["kind"]](name, **fields)


def _open_prepared(directory: str, **options: Any) -> Dataset:
  """Open prepared records; options of a preparation do not matter."""
  del options
  return prepared.open_dataset(directory)


class Table(NamedTuple):
  """The parts that the field `name` of a section may name.

  Attributes:
    default: the name unless another one is given.
    entries: by name.
    make_own: (kind, name) -> entry of a user's own part, where that is more
      than its constructor.
  """

  default: str
  entries: Mapping[str, Entry]
  make_own: Callable[[str, str], Entry] | None = None

  def find(self, kind: str, name: str) -> Entry:
    """Return the entry of a name, see the function `find`."""
    if self.make_own and own_parts.is_own(name):
      return self.make_own(kind, name)
    return find(kind, name, self.entries)

  @property
  def default_part(self) -> Part:
    """The choice of a config that chooses nothing."""
    return self.entries[self.default].part(self.default)


def _own_reader(kind: str, name: str) -> Entry:
  """Return the entry of a user's own reader, a function like `nyuv2.scan`."""
  scan = own_parts.load(kind, name)
  own_parts.require_defaults(kind, name, scan, ())
  preparer = prepare.of_reader(
    Reader(scan, lambda raw: False, "Tell the folder: data.raw", automatic=True)
  )
  open_it = functools.partial(
    prepare.ensure_prepared, name, own_preparer=preparer
  )
  return Entry(open_it, schema.fields_of(scan))


def _own_entry(kind: str, name: str) -> Entry:
  """Return the entry of a user's own part."""
  build = own_parts.load(kind, name)
  own_parts.require_defaults(kind, name, build, _OF_THE_RUN)
  entry = _entry(build)
  method_traits.require_known(name, entry.traits, entry.fields)
  return entry


def _entry(
  build: Callable[..., Any],
  *settings: Callable[..., Any],
) -> Entry:
  """Return an entry; `settings` have the fields that `build` takes as **."""
  fields = schema.fields_of(build, *settings)
  own = {name: f for name, f in fields.items() if name not in _OF_THE_RUN}
  return Entry(build, own, traits_of(build))


def _network(backbone: str) -> Entry:
  """Return the entry of the networks that begin with a backbone."""
  usual = vars(networks.default_settings(backbone))
  fields = schema.fields_of(NetworkSettings)
  return Entry(
    functools.partial(builders.network, backbone),
    {n: field._replace(default=usual[n]) for n, field in fields.items()},
  )


READERS: Mapping[str, Entry] = {
  PREPARED: Entry(_open_prepared, {}),
  **{
    name: Entry(functools.partial(prepare.ensure_prepared, name), {})
    for name in prepare.PREPARERS
  },
}
MODELS: Mapping[str, Entry] = {
  "segnet": _entry(builders.segnet),
  **{name: _network(name) for name in BACKBONES},
}
METHODS: Mapping[str, Entry] = {
  "stl": _entry(builders.stl),
  "supervised": _entry(supervised.supervised),
  "consistency": _entry(consistency.consistency),
  "jtr": _entry(builders.jtr, JtrSettings, Stacking),
  "cross_task_maps": _entry(builders.cross_task_maps, MapSettings),
  "mtpsl": _entry(builders.mtpsl, MtpslSettings),
}
LOSS_BALANCERS: Mapping[str, Entry] = {
  name: _entry(build) for name, build in balancers.LOSS.items()
}
GRADIENT_BALANCERS: Mapping[str, Entry] = {
  "none": Entry(lambda num_tasks: None, {}),
  **{name: _entry(build) for name, build in balancers.GRADIENT.items()},
}
OPTIMIZERS: Mapping[str, Entry] = {
  "adam": _entry(update_rules.adam),
  "adamw": _entry(update_rules.adamw),
  "sgd": _entry(update_rules.sgd),
}

PARTS: Mapping[str, Table] = {
  "data": Table("nyuv2", READERS, _own_reader),
  "model": Table("segnet", MODELS),
  "method": Table("jtr", METHODS),
  "optimizer": Table("adam", OPTIMIZERS),
  "balancing.loss": Table("uniform", LOSS_BALANCERS),
  "balancing.gradient": Table("none", GRADIENT_BALANCERS),
}
"""For each section with a field `name` what that may be."""
