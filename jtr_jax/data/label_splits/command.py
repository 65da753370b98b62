"""`python -m jtr_jax.data split make|import|show`: label splits as files."""

import argparse
import pathlib
import re
import sys
from collections.abc import Sequence

from jtr_jax.core import errors, paths
from jtr_jax.data.label_splits import released, scenarios, text_file
from jtr_jax.data.records import prepared


def add_parser(subparsers: "argparse._SubParsersAction") -> None:
  """Add the command `split` to a program.

  Args:
    subparsers: what `ArgumentParser.add_subparsers` returned; the parsed
      arguments have `run`, which takes them.
  """
  parser = subparsers.add_parser(
    "split", help="decide which image keeps its label for which task"
  )
  parser.set_defaults(run=run)
  actions = parser.add_subparsers(dest="action", required=True)
  make = actions.add_parser("make", help="draw a label scenario")
  make.add_argument(
    "scenario",
    help="full, found, onelabel, randomlabels or halflabels, and then for "
    "example +unlabelled30",
  )
  make.add_argument("--seed", type=int, default=0, help="default: 0")
  _add_common(make)
  imports = actions.add_parser("import", help="convert a released split")
  imports.add_argument("file", type=pathlib.Path, help="a .pth or .npy file")
  _add_common(imports)
  show = actions.add_parser("show", help="count the labels of a split")
  show.add_argument("file", type=pathlib.Path, help="a split file")


def run(args: argparse.Namespace) -> int:
  """Run `split`, and write a summary to stdout.

  Args:
    args: as parsed.

  Returns:
    The exit code, 0.

  Raises:
    ValueError: a file or a name is wrong.
  """
  if args.action == "show":
    paths.check_input(args.file, "The label split")
    split = text_file.load_split(args.file)
  else:
    paths.check_output(args.out, "--out")
    ids, tasks = _read_names(args)
    if args.action == "make":
      split = scenarios.make_split(args.scenario, ids, tasks, seed=args.seed)
    else:
      paths.check_input(args.file, "The released split")
      split = released.import_split(args.file, ids, tasks)
    text_file.save_split(args.out, split)
  sys.stdout.write(scenarios.describe(split))
  return 0


def _add_common(parser: argparse.ArgumentParser) -> None:
  ids = parser.add_mutually_exclusive_group(required=True)
  ids.add_argument("--data", type=pathlib.Path, help="a prepared data set")
  ids.add_argument(
    "--ids", type=pathlib.Path, help="text file with a sample id on each line"
  )
  ids.add_argument(
    "--numbered", type=_count, metavar="N", help="the ids are 0 to N-1"
  )
  parser.add_argument(
    "--split", default="train", help="split of --data [train]"
  )
  parser.add_argument(
    "--tasks", help="such as segmentation,depth,normals [those of --data]"
  )
  parser.add_argument(
    "--out", type=pathlib.Path, required=True, help="the split file to write"
  )


def _read_names(
  args: argparse.Namespace,
) -> tuple[Sequence[str], Sequence[str]]:
  """Return the sample ids and the tasks of the arguments."""
  tasks = args.tasks.split(",") if args.tasks else ()
  if not all(tasks) or (not tasks and args.data is None):
    raise ValueError(
      errors.message(
        "--tasks does not name the tasks",
        found=repr(args.tasks),
        expected="names with commas between",
        do="Write for example --tasks=segmentation,depth.",
      )
    )
  if args.data is not None:
    described = prepared.open_dataset(args.data).manifest
    return described.split(args.split).ids, tasks or tuple(described.tasks)
  if args.ids is not None:
    return _read_ids(paths.check_input(args.ids, "--ids")), tasks
  return [str(number) for number in range(args.numbered)], tasks


def _read_ids(path: pathlib.Path) -> list[str]:
  """Return the lines of a file, empty ones left out."""
  try:
    lines = path.read_text(encoding="utf-8").split("\n")
    found, ids = "no id", [line.strip() for line in lines if line.strip()]
  except UnicodeDecodeError as error:
    found, ids = f"bytes that are not text ({error.reason})", []
  if ids:
    return ids
  raise ValueError(
    errors.message(
      f"{path} does not list sample ids",
      found=found,
      expected="UTF-8 text with an id on each line",
      do="Correct the file, or give --data or --numbered.",
    )
  )


def _count(text: str) -> int:
  if not re.fullmatch(r"[1-9]\d{0,8}", text):
    raise argparse.ArgumentTypeError(f"{text!r} is no number of images")
  return int(text)
