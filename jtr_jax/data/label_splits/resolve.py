"""The label split of a run: drawn, or from a file."""

import contextlib
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jtr_jax.core import paths
from jtr_jax.data.label_splits import released, scenarios, text_file
from jtr_jax.data.label_splits.scenarios import LabelSplit
from jtr_jax.data.records import mapped_ids

_RELEASED = (".pth", ".npy")

_FOLDER = "label_splits"


def make_or_read(
  ids: Sequence[str],
  tasks: Sequence[str],
  *,
  scenario: str,
  scenario_tasks: Sequence[str],
  seed: int,
  file: str = "",
  cache: Path | None = None,
) -> LabelSplit:
  """Return which image keeps its label for which task.

  Args:
    ids: N sample ids of the data.
    tasks: the K tasks of the run.
    scenario: drawn, see `scenarios`; of a file's labels it hides those of the
      images that its suffix takes all labels from.
    scenario_tasks: the tasks that it is drawn for. With more than those of the
      run, single-task learning sees the labels that multi-task learning sees.
    seed: of the drawing.
    file: a text split, or a released `.pth` or `.npy`; "" for none.
    cache: folder of the prepared data, where the split of many images is kept;
      None for nowhere.

  Returns:
    The split, rows as `ids` and columns as `tasks`.

  Raises:
    ValueError: the file or the scenario does not fit ids and tasks.
  """
  if not file:
    split = _drawn_once(ids, scenario_tasks, scenario, seed, cache)
    labelled = scenarios.align_split(split, ids, tasks)
    return LabelSplit(mapped_ids.kept(ids), tuple(tasks), labelled, split.about)
  path = paths.check_input(file, "The label split")
  is_released = path.suffix in _RELEASED
  split = (
    released.import_split(path, ids, tasks)
    if is_released
    else text_file.load_split(path)
  )
  about = {"scenario": path.name, **split.about}
  labelled = scenarios.align_split(split, ids, tasks)
  labelled &= ~scenarios.hidden(ids, scenarios.parse_scenario(scenario), seed)[
    :, None
  ]
  _, plus, suffix = scenario.partition("+")
  about["scenario"] += plus + suffix
  return LabelSplit(mapped_ids.kept(ids), tuple(tasks), labelled, about)


def _drawn_once(
  ids: Sequence[str],
  tasks: Sequence[str],
  scenario: str,
  seed: int,
  cache: Path | None,
) -> LabelSplit:
  """Return a drawn split; that of many images is kept on disk."""
  if cache is None or len(ids) < mapped_ids.MANY:
    return scenarios.make_split(scenario, ids, tasks, seed=seed)
  key = zlib.crc32("\n".join(tasks).encode(), _checksum(ids))
  path = cache / _FOLDER / f"{scenario}-{seed}-{key:08x}.npy"
  shape = (len(ids), len(tasks))
  if path.is_file():
    bits = np.unpackbits(np.load(path, allow_pickle=False))
    labelled = bits[: shape[0] * shape[1]].reshape(shape).astype(np.bool_)
    about = {"scenario": scenario, "seed": str(seed)}
    return LabelSplit(mapped_ids.kept(ids), tuple(tasks), labelled, about)
  split = scenarios.make_split(scenario, ids, tasks, seed=seed)
  with contextlib.suppress(OSError):  # such as a disk that is read only
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.tmp")
    with partial.open("wb") as file:
      np.save(file, np.packbits(split.labelled))
    partial.replace(path)
  return split


def _checksum(ids: Sequence[str]) -> int:
  if isinstance(ids, mapped_ids.MappedIds):
    return ids.checksum
  return zlib.crc32("\n".join(ids).encode())
