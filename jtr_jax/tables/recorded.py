"""Finished runs of a table, from their folder or from one file of all."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jtr_jax.core import errors
from jtr_jax.tables import costs
from jtr_jax.workdir import config_file, result_card, text_files
from jtr_jax.workdir.result_card import ResultCard

_FORM = "runs of a table"


class Recorded(NamedTuple):
  """A finished run, or a measurement.

  Attributes:
    row: "<group>/<row>".
    seed: of the run; 0 for a measurement.
    revision: of the code that ran it; "" if that is not known.
    card: its result; None for a measurement.
    measurement: what a train step costs; None for a run.
  """

  row: str
  seed: int
  revision: str
  card: ResultCard | None = None
  measurement: Mapping[str, Any] | None = None


def read(place: Path) -> tuple[Recorded, ...]:
  """Return the finished runs, sorted by row and seed.

  Args:
    place: the folder of `run.run`, or a file of `write`.

  Raises:
    ValueError: the file is not of that form.
  """
  if place.is_file():
    return _read_file(place)
  if not place.is_dir():
    raise ValueError(
      errors.message(
        f"There are no runs in {place}",
        found="nothing",
        expected="--out of `run`, or the file of `collect`",
        do="Correct the path, or run the table first.",
      )
    )
  runs = map(_of_run, place.glob("*/*/seed*/result.json"))
  measured = map(_of_measurement, place.glob(f"*/*/{costs.FILE}"))
  return tuple(sorted((*runs, *measured), key=lambda one: (one.row, one.seed)))


def write(path: Path, records: Iterable[Recorded]) -> None:
  """Write all runs into one JSON file.

  Args:
    path: the file.
    records: of `read`.

  Raises:
    OSError: it cannot be written.
  """
  runs = [
    {
      "row": one.row,
      "seed": one.seed,
      "revision": one.revision,
      "result": result_card.to_dict(one.card) if one.card else None,
      "measurement": one.measurement,
    }
    for one in records
  ]
  content = {"form": _FORM, "runs": runs}
  text_files.replace(path, json.dumps(content, indent=1) + "\n")


def _of_run(path: Path) -> Recorded:
  workdir = path.parent
  row = "/".join(workdir.parts[-3:-1])
  seed = re.fullmatch(r"seed(\d+)", workdir.name)
  return Recorded(
    row,
    int(seed[1]) if seed else 0,
    config_file.revision(workdir),
    card=result_card.read(workdir),
  )


def _of_measurement(path: Path) -> Recorded:
  content = json.loads(path.read_text(encoding="utf-8"))
  row = "/".join(path.parts[-3:-1])
  return Recorded(row, 0, content["revision"], measurement=content)


def _read_file(path: Path) -> tuple[Recorded, ...]:
  try:
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["form"] != _FORM:
      raise ValueError(content["form"])
    return tuple(
      Recorded(
        one["row"],
        one["seed"],
        one["revision"],
        one["result"] and result_card.from_dict(one["result"]),
        one["measurement"],
      )
      for one in content["runs"]
    )
  except (ValueError, KeyError, TypeError) as error:
    raise ValueError(
      errors.message(
        f"{path} does not hold runs of a table",
        found=repr(error),
        expected="a folder of runs, or a file that `collect` wrote",
        do="Give the folder that was --out of the runs.",
      )
    ) from error
