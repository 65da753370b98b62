"""Which trained weights a network takes, and which it cannot.

A network is made of units: backbone, neck, or whole encoder; each task's head.
A unit that the weights have must fit in every parameter; one that they do not
have starts at random. Nothing is left out in silence.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jtr_jax.core import errors
from jtr_jax.models import parameter_names
from jtr_jax.models.base import Tree
from jtr_jax.models.initial_weights import InitialWeights
from jtr_jax.pretrained.source import Source
from jtr_jax.workdir import text_files

REPORT = "weights.json"
_IGNORE = "model.weights_ignore"
_PARTS_OF_ENCODERS = ("backbone", "neck")


class Fitted(NamedTuple):
  """What a network takes of trained weights.

  Attributes:
    weights: the arrays that it takes.
    about: where they come from.
    taken: names of their parameters and statistics.
    not_taken: names that the weights have and the network does not take.
    initialized: names that start at random.
  """

  weights: InitialWeights
  about: str
  taken: tuple[str, ...]
  not_taken: tuple[str, ...]
  initialized: tuple[str, ...]

  def summary(self) -> str:
    """Return one line for the log."""
    parts = [f"{len(self.taken)} arrays taken from {self.about}"]
    for what, names in (
      ("not taken", self.not_taken),
      ("random", self.initialized),
    ):
      if names:
        parts.append(f"{what}: {', '.join(_units(names))}")
    return "; ".join(parts)


def fit(
  source: Source,
  params: Tree,
  model_state: Tree,
  *,
  ignore: Sequence[str] = (),
) -> Fitted:
  """Return what a network takes of trained weights.

  Args:
    source: the weights.
    params: of the network, arrays or their shapes, by stage.
    model_state: likewise.
    ignore: patterns of parameters to leave at random although the weights have
      them; see `parameter_names.matches`.

  Returns:
    The arrays, and lists of what is taken and what is not.

  Raises:
    ValueError: the weights are of another network, or a head is of another
      number of classes; a pattern that matches nothing.
  """
  given = _flat(source.weights)
  own = _flat(InitialWeights(params, model_state))
  _check_patterns(ignore, given)
  is_ignored = lambda name: any(
    parameter_names.matches(name, pattern) for pattern in ignore
  )
  own_units = {_unit(name) for name in own}
  offered = {
    name for name in given if _unit(name) in own_units and not is_ignored(name)
  }
  wanted = {
    name
    for name in own
    if _unit(name) in {_unit(n) for n in given} and not is_ignored(name)
  }
  _require_same(source, offered, wanted)
  for name in sorted(offered):
    _require_shape(source, name, np.shape(given[name]), own[name].shape)
  return Fitted(
    InitialWeights(*(_kept(tree, offered) for tree in source.weights)),
    source.about,
    tuple(sorted(offered)),
    (*sorted(given.keys() - offered), *source.not_offered),
    tuple(sorted(own.keys() - offered)),
  )


def write_report(folder: Path, fitted: Fitted) -> None:
  """Write what was taken and what was not into a workdir.

  Args:
    folder: the workdir.
    fitted: what the network takes.
  """
  content = {
    "from": fitted.about,
    "taken": list(fitted.taken),
    "not_taken": list(fitted.not_taken),
    "random": list(fitted.initialized),
  }
  text_files.replace(folder / REPORT, json.dumps(content, indent=1) + "\n")


def _flat(weights: InitialWeights) -> dict[str, Any]:
  """Return name -> leaf; names of parameters and statistics never coincide."""
  return {
    parameter_names.name_of(path): leaf
    for tree in weights
    for path, leaf in jax.tree.leaves_with_path(tree)
  }


def _unit(name: str) -> str:
  """Return which unit of a network a parameter belongs to."""
  stage, _, rest = name.partition("/")
  part = rest.partition("/")[0]
  return f"{stage}/{part}" if part in _PARTS_OF_ENCODERS else stage


def _units(names: Iterable[str]) -> list[str]:
  """Return the units of names in order, or the names of no unit."""
  units = (_unit(name) if "/" in name else name for name in names)
  return list(dict.fromkeys(units))


def _kept(tree: Tree, names: set[str], place: str = "") -> Tree:
  """Return the part of nested dictionaries whose leaves have these names."""
  kept: Tree = {}
  for key, value in tree.items():
    name = f"{place}{key}"
    if isinstance(value, Mapping):
      inner = _kept(value, names, f"{name}/")
      if inner:
        kept[key] = inner
    elif name in names:
      kept[key] = np.asarray(value)
  return kept


def _check_patterns(patterns: Sequence[str], given: Mapping[str, Any]) -> None:
  tree: Tree = {}
  for name in given:
    *folders, leaf = name.split("/")
    inner = tree
    for folder in folders:
      inner = inner.setdefault(folder, {})
    inner[leaf] = 0
  parameter_names.matched(tree, patterns, _IGNORE)


def _require_same(source: Source, given: set[str], wanted: set[str]) -> None:
  """Raise unless the weights have just what the shared units need."""
  missing, unused = sorted(wanted - given), sorted(given - wanted)
  if not given:
    raise _misfit(
      source,
      "nothing that this network has",
      "weights of this network",
      "Set model.name to the network that they are of.",
    )
  if missing or unused:
    found = [f"{len(missing)} missing, such as {missing[0]}"] if missing else []
    found += [f"{len(unused)} left over, such as {unused[0]}"] if unused else []
    raise _misfit(
      source,
      "; ".join(found),
      f"the parameters of {', '.join(_units(missing or unused))}",
      "Set model.name to the network that they are of, or leave a part out: "
      f"{_IGNORE}.",
    )


def _require_shape(
  source: Source, name: str, found: tuple[int, ...], own: tuple[int, ...]
) -> None:
  if found == own:
    return
  unit = _unit(name)
  if not unit.startswith("encoder"):
    do = (
      "The head is of another number of classes or channels, or has another "
      f"width: leave it out with {_IGNORE}='({unit!r},)'."
    )
  elif len(own) == 4 and found[:2] + found[3:] == own[:2] + own[3:]:
    do = f"They are for images of {found[2]} channels; the data have {own[2]}."
  else:
    do = "Set model.width_factor and depth_factor to those of the weights."
  raise _misfit(source, f"{name} of {found}", f"{own}", do)


def _misfit(source: Source, found: str, expected: str, do: str) -> ValueError:
  return ValueError(
    errors.message(
      f"The weights {source.about} are not those of this network",
      found=found,
      expected=expected,
      do=do,
    )
  )
