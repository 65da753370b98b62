"""Baselines that Delta_MTL compares with: the user's, and published ones."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path

from jtr_jax.core import errors, paths

_FIELDS = ("name", "metrics", "source")
_PUBLISHED = Path(__file__).parent / "baselines"


@dataclasses.dataclass(frozen=True)
class Baseline:
  """The results that others are compared with.

  Attributes:
    name: what it is, such as "Supervised MTL, onelabel, 3 seeds".
    metrics: "<task>/<metric>" -> value; mIoU and the like are fractions.
    source: the run, paper or table that the numbers come from.
  """

  name: str
  metrics: Mapping[str, float]
  source: str


def published() -> tuple[str, ...]:
  """Return the names of the published baselines, sorted.

  Each is a file <paper>_<data>_<scenario>_<method>.json of this package;
  `read_baseline` takes the name.
  """
  return tuple(sorted(path.stem for path in _PUBLISHED.glob("*.json")))


def read_baseline(path: str | os.PathLike[str]) -> Baseline:
  """Read a baseline.

  Args:
    path: a JSON file with {"name": ..., "metrics": {"depth/abs_err": 0.66,
      ...}, "source": ...}, or the name of a published baseline.

  Returns:
    The baseline.

  Raises:
    ValueError: the file is not of that form, or there is neither such a file
      nor such a name.

  Example:
    >>> read_baseline("jtr_nyuv2_randomlabels_stl").metrics["depth/abs_err"]
    0.753
  """
  file = Path(path)
  if not file.exists():
    file = _published_file(os.fspath(path))
  paths.check_input(file, "The baseline")
  try:
    content = json.loads(file.read_text(encoding="utf-8"))
  except ValueError as error:
    raise _unreadable(file, f"no JSON ({error})") from error
  if not isinstance(content, dict) or set(content) != set(_FIELDS):
    keys = sorted(content) if isinstance(content, dict) else type(content)
    raise _unreadable(file, f"{keys}")
  metrics = content["metrics"]
  if not isinstance(metrics, dict) or not all(
    map(_is_number, metrics.values())
  ):
    raise _unreadable(file, f"metrics = {metrics!r}")
  return Baseline(
    name=str(content["name"]),
    metrics={name: float(value) for name, value in metrics.items()},
    source=str(content["source"]),
  )


def _published_file(name: str) -> Path:
  """Return the file of a published baseline."""
  known = published()
  if name in known:
    return _PUBLISHED / f"{name}.json"
  raise errors.unknown_name("baseline, and no such file", name, known)


def _is_number(value: object) -> bool:
  return isinstance(value, int | float) and not isinstance(value, bool)


def _unreadable(path: Path, found: str) -> ValueError:
  return ValueError(
    errors.message(
      f"{path} is not a baseline",
      found=found,
      expected="an object of name, metrics (task/metric: number) and source",
      do="Write the three fields; mIoU and the like are fractions.",
    )
  )
