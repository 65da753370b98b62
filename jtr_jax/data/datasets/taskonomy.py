"""Taskonomy: the seven tasks of the JTR paper, one directory a building.

The buildings of the Tiny split, or of another published partition, become one
prepared data set each, joined into one.
"""

import functools
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

from jtr_jax.core import errors
from jtr_jax.data.datasets import listing, taskonomy_files, taskonomy_splits
from jtr_jax.data.datasets.raw import (
  IMAGE,
  OnProblem,
  RawDataset,
  RawParts,
  RawTask,
  Row,
  raise_error,
)

OBTAIN = (
  "Download the domains "
  + ", ".join(d.folder for d in taskonomy_files.DOMAINS.values())
  + " with `omnitools.download --components taskonomy --subset tiny` "
  "(https://github.com/EPFL-VILAB/omnidata; terms of use)"
)

_LAYOUTS = (
  "{building}/{domain}",
  "{domain}/taskonomy/{building}",
  "{domain}/{building}",
  "{building}_{domain}",
)
_DEPTH = taskonomy_files.DOMAINS["depth"].folder


def is_here(raw: Path) -> bool:
  """Return whether buildings of Taskonomy exist at a path."""
  return next(_found(raw, taskonomy_splits.TINY), None) is not None


def scan(
  raw: Path,
  *,
  partition: Path | None = None,
  buildings: str = "",
  skip_missing: bool = False,
  on_problem: OnProblem = raise_error,
) -> RawParts:
  """Return the buildings of a partition, to be listed one by one.

  Args:
    raw: the folder of buildings or domains.
    partition: a published file such as train_val_test_medium.csv; by default
      the Tiny partition.
    buildings: names joined by commas, to take these alone.
    skip_missing: whether to leave out buildings that are not there.
    on_problem: called for missing buildings and files.

  Returns:
    For each building its images, in the split that the partition gives it.

  Raises:
    ValueError: no building is there.
  """
  splits = (
    taskonomy_splits.read_partition(partition)
    if partition
    else taskonomy_splits.TINY
  )
  wanted = _chosen(splits, buildings)
  found = dict(_found(raw, wanted))
  if not found:
    patterns = (
      layout.format(building="BUILDING", domain="DOMAIN") + "/point_*.png"
      for layout in _LAYOUTS
    )
    raise listing.not_found("Taskonomy", raw, tuple(patterns), OBTAIN + ".")
  missing = sorted(set(wanted) - set(found))
  if missing and not skip_missing:
    on_problem(_missing(raw, missing, len(wanted)))
  layout = next(iter(found.values()))
  domains = _present_domains(raw, layout, tuple(found))
  return RawParts(
    "taskonomy",
    {
      building: functools.partial(
        _scan_building, raw, layout, building, split, domains
      )
      for building, split in wanted.items()
      if building in found
    },
  )


def _chosen(splits: Mapping[str, str], buildings: str) -> dict[str, str]:
  names = [name for name in buildings.split(",") if name]
  for name in names:
    if name not in splits:
      raise errors.unknown_name("building of the partition", name, splits)
  return {b: s for b, s in splits.items() if not names or b in names}


def _found(
  raw: Path, buildings: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
  """Yield each building that has images, and the layout it lies in."""
  rgb = taskonomy_files.DOMAINS[IMAGE].folder
  for layout, building in itertools.product(_LAYOUTS, buildings):
    if (raw / layout.format(building=building, domain=rgb)).is_dir():
      yield building, layout


def _present_domains(
  raw: Path, layout: str, buildings: tuple[str, ...]
) -> tuple[str, ...]:
  """Return "image" and the tasks that at least one building has."""
  return tuple(
    key
    for key, domain in taskonomy_files.DOMAINS.items()
    if any(
      (raw / layout.format(building=b, domain=domain.folder)).is_dir()
      for b in buildings
    )
  )


def _scan_building(
  raw: Path,
  layout: str,
  building: str,
  split: str,
  domains: tuple[str, ...],
  on_problem: OnProblem,
) -> RawDataset:
  """List the views of one building."""

  def place(key: str) -> Path:
    domain = taskonomy_files.DOMAINS[key].folder
    return raw / layout.format(building=building, domain=domain)

  files = {key: taskonomy_files.views(place(key), key) for key in domains}
  images = files.pop(IMAGE)
  if not images:
    on_problem(listing.missing_file(place(IMAGE) / "point_*_rgb.png"))
  rows = listing.pair(
    images,
    files,
    expected=lambda key, view: taskonomy_files.expected(place(key), key, view),
    on_problem=on_problem,
  )
  return RawDataset(
    name="taskonomy",
    tasks={
      key: RawTask(
        taskonomy_files.DOMAINS[key].options, taskonomy_files.DOMAINS[key].read
      )
      for key in files
    },
    splits={split: [_with_depth(building, row) for row in rows]},
    source={"building": building, "layout": layout},
    size=(256, 256),
  )


def _with_depth(building: str, row: Row) -> Row:
  """Return the row with the depth as the mask of the labels that have holes."""
  depth = row.labels.get("depth")
  labels = {
    key: (path, depth)
    if depth and taskonomy_files.DOMAINS[key].masked
    else path
    for key, path in row.labels.items()
  }
  return Row(f"{building}_{row.id}", row.image, labels)


def _missing(raw: Path, names: list[str], wanted: int) -> ValueError:
  return ValueError(
    errors.message(
      f"Buildings of Taskonomy are missing in {raw}",
      found=f"no images of {', '.join(names)}",
      expected=f"all {wanted} of the partition",
      do="Complete the download (some copies have lost woodbine), or add "
      "--skip_missing.",
    )
  )
