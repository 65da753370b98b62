"""Trained weights: python -m jtr_jax.weights COMMAND ...

list names the networks whose published weights can be read, show tells what is
in a file, import checks every tensor and keeps the network as a folder, export
writes the network of a run under its published names.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jtr_jax.core import extras
from jtr_jax.core.commands import exit_code

with extras.required("program"):
  import jax

  from jtr_jax.config import trained
  from jtr_jax.core import commands, errors, paths
  from jtr_jax.models import published
  from jtr_jax.pretrained import export, imported
  from jtr_jax.tensor_files import safetensors_file
  from jtr_jax.tensor_files.state_dict import read_state_dict
  from jtr_jax.weights import listing


def main(arguments: Sequence[str] | None = None) -> int:
  """Run one command.

  Args:
    arguments: the command line without the program; None for `sys.argv`.

  Returns:
    0 if it did what was asked, else 1.
  """
  given = _parser().parse_args(arguments)
  return exit_code(given.run, given)


def _parser() -> argparse.ArgumentParser:
  parser = commands.Parser(
    prog="python -m jtr_jax.weights", description=__doc__, allow_abbrev=False
  )
  named = parser.add_subparsers(required=True, metavar="COMMAND")
  names = named.add_parser("list", help="name the networks")
  names.set_defaults(run=_list)
  show = named.add_parser("show", help="tell what is in a file")
  _add_file(show)
  show.set_defaults(run=_show)
  take = named.add_parser("import", help="check a file and keep it")
  _add_file(take)
  take.add_argument(
    "--network", required=True, help="whose weights they are, see list"
  )
  take.add_argument("--out", type=Path, required=True, help="folder to make")
  take.add_argument(
    "--ignore",
    action="append",
    default=[],
    metavar="PATTERN",
    help="tensors that may be left over or missing, such as 'fc.*'",
  )
  take.set_defaults(run=_import)
  give = named.add_parser("export", help="write the network of a run")
  give.add_argument("run_folder", type=Path, metavar="RUN", help="its workdir")
  give.add_argument("--out", type=Path, required=True, help=".safetensors")
  give.add_argument(
    "--step", choices=("latest", "best"), default="latest", help="[latest]"
  )
  give.add_argument(
    "--network", default="", help="whose names it gets [the usual one]"
  )
  give.set_defaults(run=_export)
  return parser


def _add_file(parser: argparse.ArgumentParser) -> None:
  parser.add_argument("file", type=Path, help=".safetensors, .pth or .pt")
  parser.add_argument(
    "--inside",
    default="",
    metavar="KEY",
    help="where in the file the network is [the usual places]",
  )


def _list(given: argparse.Namespace) -> int:
  del given
  sys.stdout.write("\n".join(published.NETWORKS) + "\n")
  return 0


def _show(given: argparse.Namespace) -> int:
  paths.check_input(given.file, "The file of weights")
  found = read_state_dict(given.file, given.inside)
  sys.stdout.write(listing.describe(given.file, found))
  return 0


def _import(given: argparse.Namespace) -> int:
  paths.check_input(given.file, "The file of weights")
  paths.check_folder(given.out, "--out")
  network = imported.import_file(
    given.file,
    given.network,
    given.out,
    ignore=given.ignore,
    place=given.inside,
  )
  sys.stdout.write(listing.summarise(given.out, network))
  return 0


def _export(given: argparse.Namespace) -> int:
  if given.out.exists():
    raise ValueError(
      errors.message(
        f"There is something at {given.out}",
        found="a folder" if given.out.is_dir() else "a file",
        expected="a new file",
        do="Choose another --out, or delete that one.",
      )
    )
  found = trained.restore(given.run_folder, given.step)
  name = given.network or export.usual_network(
    found.settings.model.network.name
  )
  params, state = jax.device_get((found.params, found.model_state))
  tasks = tuple(task.name for task in found.tasks)
  made = export.export(name, params, state, tasks)
  safetensors_file.write_safetensors(
    given.out, made.tensors, {"format": "pt", "network": name}
  )
  sys.stdout.write(listing.of_export(given.out, found.step, made))
  return 0


if __name__ == "__main__":
  sys.exit(main())
