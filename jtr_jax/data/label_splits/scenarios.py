"""Label scenarios: which image keeps its label for which task.

A split is text keyed by sample id, so it can be read, compared and edited, and
it fits its data whatever order that is listed in. Which labels an image keeps
is decided by hashes of (seed, scenario, sample id, task name): neither the
order of the ids or tasks nor the version of a library can change it.

Names of scenarios:

* `full`, `found`: every label that the data has (`found` for data that comes
  partially labelled);
* `onelabel`: one label for each image, the tasks in equal parts;
* `randomlabels`: between 1 and K-1 labels, every number equally likely, then
  every subset of that size;
* `halflabels`: K/2 labels; for odd K the lower or the upper neighbour;
* `<one of these>+unlabelled<x>`: x percent of the images lose all labels, the
  others keep those of the first scenario. A larger x hides a superset;
* `<one of these>+labelled<x>`: these x percent keep labels, and the others lose
  all: with `+unlabelled<x>` for another source, two disjoint sets of images.
"""

import collections
import dataclasses
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.records import mapped_ids

_SHOWN = 5  # how many ids an error message lists


@dataclasses.dataclass(frozen=True, eq=False)
class LabelSplit:
  """Which labels the images of one data split keep.

  Attributes:
    ids: N sample ids.
    tasks: K task names.
    labelled: bool[N, K]; True where the image keeps its label for the task. An
      image may lack a label all the same if the data has none.
    about: the origin of the split, such as scenario and seed.
  """

  ids: Sequence[str]
  tasks: tuple[str, ...]
  labelled: np.ndarray
  about: Mapping[str, str] = dataclasses.field(default_factory=dict)

  def __post_init__(self) -> None:
    _require_unique("sample ids", self.ids)
    _require_unique("tasks", self.tasks)
    shape = (len(self.ids), len(self.tasks))
    if self.labelled.shape != shape or self.labelled.dtype != np.bool_:
      raise ValueError(
        errors.message(
          "The labels of a split have a wrong form",
          found=f"{self.labelled.dtype}{list(self.labelled.shape)}",
          expected=f"bool{list(shape)}, sample ids by tasks",
          do="Give one row for each sample id and one column for each task.",
        )
      )


class Scenario(NamedTuple):
  """A parsed scenario name.

  Attributes:
    base: which labels an image keeps.
    unlabelled: percent of the images that lose all.
    labelled: percent that alone keep theirs; 0: not asked for.
  """

  base: str
  unlabelled: int = 0
  labelled: int = 0


def parse_scenario(name: str) -> Scenario:
  """Return the parts of a scenario name such as `onelabel+unlabelled30`.

  Args:
    name: `<base>`, `<base>+unlabelled<x>` or `<base>+labelled<x>`, x in whole
      percent, 1 to 99.

  Returns:
    The base scenario and the percentage.

  Raises:
    ValueError: the base is unknown, or the name has another form.
  """
  base, plus, suffix = name.partition("+")
  match = re.fullmatch(r"(unlabelled|labelled)([1-9]\d?)", suffix)
  if base.startswith("unlabelled") or (plus and not match):
    raise ValueError(
      errors.message(
        "A scenario name has an unknown form",
        found=repr(name),
        expected="<base>, <base>+unlabelled<x> or <base>+labelled<x> with x "
        f"from 1 to 99, and <base> one of {', '.join(_BASES)}",
        do="Write for example 'randomlabels+unlabelled30': 30 % of the images "
        "lose all labels and the others keep those of randomlabels.",
      )
    )
  if base not in _BASES:
    raise errors.unknown_name("label scenario", base, _BASES)
  return Scenario(base, **({match[1]: int(match[2])} if match else {}))


def make_split(
  scenario: str, ids: Sequence[str], tasks: Sequence[str], *, seed: int
) -> LabelSplit:
  """Return the labels that a scenario leaves to each image.

  Args:
    scenario: a name, see the module.
    ids: N sample ids in any order.
    tasks: K task names in any order.
    seed: any integer.

  Returns:
    The split, rows as `ids` and columns as `tasks`; an id and a task get the
    same entry in whatever order they are listed.

  Raises:
    ValueError: unknown scenario, repeated ids, or a scenario that needs more
      tasks.

  Source: JTR, section 4 (onelabel, randomlabels, halflabels, x % unlabelled);
    MTPSL's released files (onelabel in exactly equal parts).
  """
  parsed = parse_scenario(scenario)
  _require_unique("sample ids", ids)
  _require_unique("tasks", tasks)
  about = {"scenario": scenario, "seed": str(seed)}
  order, sorted_tasks = _order(ids), sorted(tasks)
  sorted_ids = _picked(ids, order)
  labelled = np.empty((len(ids), len(tasks)), np.bool_)
  columns = [sorted_tasks.index(task) for task in tasks]
  labelled[order] = _BASES[parsed.base](sorted_ids, sorted_tasks, seed)[
    :, columns
  ]
  labelled &= ~hidden(ids, parsed, seed)[:, None]
  return LabelSplit(mapped_ids.kept(ids), tuple(tasks), labelled, about)


def hidden(ids: Sequence[str], scenario: Scenario, seed: int) -> np.ndarray:
  """Return which images lose all labels, bool[N].

  Args:
    ids: N sample ids in any order.
    scenario: says what percentage; a smaller one is a part of a larger one.
    seed: any integer.
  """
  percent = scenario.labelled or scenario.unlabelled
  if not percent:
    return np.zeros(len(ids), np.bool_)
  order = _order(ids)
  count = (len(ids) * percent + 50) // 100
  drawn = np.zeros(len(ids), np.bool_)
  uniform = _draw(seed, "unlabelled", _picked(ids, order))
  drawn[order] = _ranks(uniform) < count
  return ~drawn if scenario.labelled else drawn


def align_split(
  split: LabelSplit, ids: Sequence[str], tasks: Sequence[str]
) -> np.ndarray:
  """Return the labels of a split in the order of a data set.

  Args:
    split: for exactly these ids, in any order.
    ids: N sample ids of the data.
    tasks: the wanted tasks, all or some of the split's.

  Returns:
    bool[N, len(tasks)].

  Raises:
    ValueError: the ids differ, or a task is not in the split.
  """
  same_order = split.ids == mapped_ids.kept(ids)
  if not same_order:
    require_same_ids(split.ids, ids)
  for task in tasks:
    if task not in split.tasks:
      raise errors.unknown_name("task of the label split", task, split.tasks)
  columns = [split.tasks.index(task) for task in tasks]
  if same_order:
    return split.labelled[:, columns]
  row = {sample: i for i, sample in enumerate(split.ids)}
  rows = np.array([row[sample] for sample in ids], np.int64)
  return split.labelled[rows[:, None], columns]


def require_same_ids(in_split: Sequence[str], in_data: Sequence[str]) -> None:
  """Raise a `ValueError` unless split and data hold the same sample ids."""
  _require_unique("sample ids of the data", in_data)
  missing = sorted(set(in_data) - set(in_split))
  foreign = sorted(set(in_split) - set(in_data))
  if missing or foreign:
    raise ValueError(
      errors.message(
        "The label split does not fit the data",
        found=f"{len(in_split)} images in the split and {len(in_data)} in the "
        f"data; only in the data: {_listed(missing)}; only in the split: "
        f"{_listed(foreign)}",
        expected="the same sample ids in both",
        do="Use the data that the split was made for, or make a split for this "
        "data: python -m jtr_jax.data split make.",
      )
    )


def describe(split: LabelSplit) -> str:
  """Return a summary: labels of each task, and images by number of labels."""
  number, tasks = split.labelled.shape
  origin = "".join(f"; {key} {value}" for key, value in split.about.items())
  width = max(map(len, (*split.tasks, "labels per image")), default=0)
  lines = [f"{number} images, {tasks} tasks{origin}"]
  lines += [
    _share(task, width, count, number)
    for task, count in zip(split.tasks, split.labelled.sum(axis=0), strict=True)
  ]
  histogram = np.bincount(split.labelled.sum(axis=1), minlength=tasks + 1)
  lines.append("labels per image")
  lines += [
    _share(f"  {labels}", width, count, number)
    for labels, count in enumerate(histogram)
  ]
  return "\n".join(lines) + "\n"


def _share(name: str, width: int, count: int, number: int) -> str:
  return f"{name:<{width}} {count:>8} {count / max(number, 1):>8.1%}"


def _all_labels(
  ids: Sequence[str], tasks: Sequence[str], seed: int
) -> np.ndarray:
  del seed
  return np.ones((len(ids), len(tasks)), np.bool_)


def _one_label(
  ids: Sequence[str], tasks: Sequence[str], seed: int
) -> np.ndarray:
  turn = _ranks(_draw(seed, "onelabel", ids)) % len(tasks)
  return turn[:, None] == np.arange(len(tasks))


def _random_labels(
  ids: Sequence[str], tasks: Sequence[str], seed: int
) -> np.ndarray:
  _require_two_tasks("randomlabels", tasks)
  return _subsets(ids, tasks, seed, "randomlabels", 1, len(tasks) - 1)


def _half_labels(
  ids: Sequence[str], tasks: Sequence[str], seed: int
) -> np.ndarray:
  _require_two_tasks("halflabels", tasks)
  least, most = len(tasks) // 2, (len(tasks) + 1) // 2
  return _subsets(ids, tasks, seed, "halflabels", least, most)


_BASES: Mapping[
  str, Callable[[Sequence[str], Sequence[str], int], np.ndarray]
] = {
  "full": _all_labels,
  "found": _all_labels,
  "onelabel": _one_label,
  "randomlabels": _random_labels,
  "halflabels": _half_labels,
}


def _subsets(
  ids: Sequence[str],
  tasks: Sequence[str],
  seed: int,
  stream: str,
  least: int,
  most: int,
) -> np.ndarray:
  """Return subsets of a uniform size in [least, most], each equally likely."""
  uniform = _draw(seed, stream, ids)
  size = least + np.floor(uniform * (most - least + 1)).astype(np.int64)
  order = np.stack(
    [_draw(seed, f"{stream} {task}", ids) for task in tasks], axis=1
  )
  return _ranks(order) < size[:, None]


def _order(ids: Sequence[str]) -> np.ndarray:
  """Return i64[N]: the places of the ids in ascending order."""
  if isinstance(ids, mapped_ids.MappedIds):
    return ids.order
  return np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)


def _picked(ids: Sequence[str], rows: np.ndarray) -> list[str]:
  names = list(ids)
  return [names[row] for row in rows]


def _draw(seed: int, stream: str, ids: Sequence[str]) -> np.ndarray:
  """Return f64[N] in [0, 1): a hash of seed, stream and id."""
  start = hashlib.blake2b(f"{seed}\t{stream}\t".encode(), digest_size=8)

  def digest(sample: str) -> bytes:
    number = start.copy()
    number.update(sample.encode())
    return number.digest()

  bits = np.frombuffer(b"".join(map(digest, ids)), ">u8") >> np.uint64(11)
  return bits.astype(np.float64) / 2**53


def _ranks(values: np.ndarray) -> np.ndarray:
  """Return the place of every value in the ascending order of its last axis."""
  order = np.argsort(values, axis=-1, kind="stable")
  return np.argsort(order, axis=-1, kind="stable")


def _require_two_tasks(scenario: str, tasks: Sequence[str]) -> None:
  if len(tasks) < 2:
    raise ValueError(
      errors.message(
        f"The scenario {scenario!r} is not defined for a single task",
        found=f"tasks {list(tasks)}",
        expected="at least 2 tasks",
        do="Use 'full', or make the split for all tasks of the data and train "
        "one of them on it.",
      )
    )


def _require_unique(what: str, names: Sequence[str]) -> None:
  if isinstance(names, mapped_ids.MappedIds):
    return  # checked when they were written
  if not names or len(set(names)) < len(names):
    counts = collections.Counter(names)
    repeated = [name for name, count in counts.items() if count > 1]
    raise ValueError(
      errors.message(
        f"A label split needs {what} that differ from each other",
        found=f"repeated {_listed(repeated)}" if names else "none",
        expected="at least one, each of them once",
        do="Check the list of names that the split is made for.",
      )
    )


def _listed(names: Sequence[str]) -> str:
  shown = ", ".join(map(repr, names[:_SHOWN]))
  rest = ", ..." if len(names) > _SHOWN else ""
  return f"{len(names)} ({shown}{rest})" if names else "none"
