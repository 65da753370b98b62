"""Command line of the data: prepare, add, inspect, verify, join, split."""

import argparse
import inspect
import re
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from jtr_jax.core import extras
from jtr_jax.core.commands import exit_code

with extras.required("program"):
  from jtr_jax.core import commands, errors, paths
  from jtr_jax.core.fields import SIDE
  from jtr_jax.data.datasets import folder, further_labels
  from jtr_jax.data.datasets.prepare import PREPARERS
  from jtr_jax.data.datasets.resample import Size
  from jtr_jax.data.inspect import contents, report, verification
  from jtr_jax.data.label_splits import command
  from jtr_jax.data.records import joined
  from jtr_jax.data.records.dataset import Dataset


_LEAST = {"train": 1, "val": 1, "workers": 1, "seed": 0}
"""Of whole numbers among the options of `prepare`."""


def main(arguments: Sequence[str] | None = None) -> int:
  """Run one command.

  Args:
    arguments: the command line, that of the process by default.

  Returns:
    Exit code: 0 if all is well, 1 if the data is not.
  """
  given = _parser().parse_args(arguments)
  return exit_code(given.run, given)


def _parser() -> argparse.ArgumentParser:
  parser = commands.Parser(
    prog="python -m jtr_jax.data", description=__doc__, allow_abbrev=False
  )
  named = parser.add_subparsers(required=True, metavar="COMMAND")
  prepare = named.add_parser("prepare", help="bring data into records")
  names = prepare.add_subparsers(dest="name", required=True, metavar="NAME")
  for name in PREPARERS:
    _add_preparer(names, name)
  look = named.add_parser("inspect", help="print what is in the data")
  look.add_argument("path", type=Path, help="prepared or raw folder")
  look.add_argument("--tasks", type=Path, help="tasks.toml of a raw folder")
  look.add_argument("--pictures", type=Path, help="write a sheet a split")
  look.add_argument(
    "--write", action="store_true", help="write the proposed tasks.toml"
  )
  look.set_defaults(run=_inspect)
  verify = named.add_parser("verify", help="name every broken file")
  verify.add_argument("path", type=Path, help="prepared or raw folder")
  verify.add_argument("--tasks", type=Path, help="tasks.toml of a raw folder")
  verify.set_defaults(run=_verify)
  command.add_parser(named)
  join = named.add_parser(
    "join", help="read several prepared directories as one, without copying"
  )
  join.add_argument("parts", type=Path, nargs="+", help="prepared directories")
  join.add_argument("--out", type=Path, required=True, help="a new directory")
  join.add_argument("--name", default="joined", help="of the joined data set")
  join.set_defaults(run=_join)
  _add_labels_parser(named)
  return parser


def _add_labels_parser(named: Any) -> None:
  """Add `add`, which writes a data set with labels of further tasks."""
  add = named.add_parser("add", help="add labels of further tasks")
  add.add_argument("data", type=Path, help="prepared directory")
  add.add_argument(
    "--labels",
    type=Path,
    required=True,
    help="folder with tasks.toml and {train,val}/<task>/<id>.{npy,npz,txt,...}",
  )
  add.add_argument("--out", type=Path, required=True, help="a new directory")
  add.add_argument("--overwrite", action="store_true", help="replace --out")
  add.set_defaults(run=_add)


def _size(text: str) -> Size:
  if not re.fullmatch(r"[1-9]\d{0,4}x[1-9]\d{0,4}", text):
    raise argparse.ArgumentTypeError(
      f"{text!r} is no size; give height and width, such as 288x384"
    )
  height, width = map(int, text.split("x"))
  if max(height, width) > SIDE.high:
    raise argparse.ArgumentTypeError(f"{text!r}: sides are {SIDE}")
  return height, width


def _count(least: int) -> Callable[[str], int]:
  """Return what reads a whole number that is not less."""

  def read(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < least:
      raise argparse.ArgumentTypeError(
        f"{text!r} is no whole number from {least}"
      )
    return int(text)

  return read


def _add_preparer(names: Any, name: str) -> None:
  """Add `prepare NAME` with one flag for each option."""
  preparer = PREPARERS[name]
  parser = names.add_parser(name, help=preparer.title)
  parser.add_argument(
    "--out", type=Path, required=True, help="where to write the records"
  )
  texts = preparer.help
  for option, parameter in preparer.options.items():
    needed = parameter.default is inspect.Parameter.empty
    parser.add_argument(
      f"--{option}",
      required=needed,
      default=None if needed else parameter.default,
      help=texts[option].replace("%", "%%"),
      **_converter(option, parameter.annotation),
    )
  parser.set_defaults(run=_prepare, options=tuple(preparer.options))


def _converter(option: str, hint: Any) -> dict[str, Any]:
  """Return how argparse reads an option with this annotation."""
  if option == "size":
    return {"type": _size}
  if option in _LEAST:
    return {"type": _count(_LEAST[option])}
  if get_origin(hint) in (Union, types.UnionType):
    hint = next(h for h in get_args(hint) if h is not types.NoneType)
  if get_origin(hint) is Literal:
    return {"type": type(get_args(hint)[0]), "choices": get_args(hint)}
  if hint is bool:
    return {"action": "store_true"}
  return {"type": hint if hint in (int, float, str) else Path}


def _prepare(given: argparse.Namespace) -> int:
  options = {option: getattr(given, option) for option in given.options}
  return _tell(PREPARERS[given.name].prepare(given.out, **options))


def _join(given: argparse.Namespace) -> int:
  return _tell(joined.write_joined(given.out, given.name, given.parts))


def _add(given: argparse.Namespace) -> int:
  return _tell(
    further_labels.add_labels(
      given.data, given.labels, given.out, overwrite=given.overwrite
    )
  )


def _tell(dataset: Dataset) -> int:
  height, width = dataset.manifest.size
  counts = ", ".join(
    f"{split.size} {name}" for name, split in dataset.manifest.splits.items()
  )
  sys.stdout.write(
    f"{dataset.directory}: {counts} images, {height}x{width}, "
    f"tasks {', '.join(dataset.manifest.tasks)}\n"
  )
  return 0


def _inspect(given: argparse.Namespace) -> int:
  path = paths.check(given.path, "The path of the data")
  if contents.lacks_description(path, given.tasks):
    return _propose(path, write=given.write)
  if given.write:
    raise ValueError(
      errors.message(
        "There is a description of the tasks already",
        found=f"{path / 'tasks.toml'} or prepared data",
        expected="a folder without tasks.toml, or with an empty one",
        do="Delete it first, or leave --write out.",
      )
    )
  data = contents.open_contents(given.path, tasks=given.tasks)
  sys.stdout.write(report.report(given.path, data))
  if given.pictures is not None:
    from jtr_jax.data.inspect import (
      picture_sheet,  # loads JAX, which drawing rooms does not
    )

    given.pictures.mkdir(parents=True, exist_ok=True)
    for split in data.counts:
      path = given.pictures / f"{split}.png"
      picture_sheet.draw_sheet(data, split).save(path)
      sys.stdout.write(f"{path}\n")
  return 0


def _propose(root: Path, *, write: bool) -> int:
  place, text = root / "tasks.toml", folder.propose(root)
  if write:
    place.write_text(f"# guessed by inspect; check units\n\n{text}")
    sys.stdout.write(f"{place}: check it, units above all\n")
    return 0
  sys.stdout.write(
    f"# {root} has no tasks.toml. This was guessed from the files; check it,\n"
    f"# units above all, and save it as {place} (--write does)\n\n"
    f"{text}"
  )
  return 0


def _verify(given: argparse.Namespace) -> int:
  path = paths.check(given.path, "The path of the data")
  found = verification.verify(path, tasks=given.tasks)
  for problem in found.problems:
    sys.stdout.write(f"{problem}\n")
  for warning in found.warnings:
    sys.stdout.write(f"warning: {warning}\n")
  count = f", {len(found.warnings)} warnings" if found.warnings else ""
  sys.stdout.write(f"{path}: {len(found.problems)} problems{count}\n")
  return 1 if found.problems else 0


if __name__ == "__main__":
  sys.exit(main())
