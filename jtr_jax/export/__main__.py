"""Write a trained network as one file for other programs.

python -m jtr_jax.export --workdir=RUN --format=stablehlo --out=FILE writes the
network with its weights: from images f32[B, H, W, 3] in [0, 1] to predictions
of every task. The file is read again and compared with the checkpoint.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jtr_jax.core import commands, extras

with extras.required("program"):
  from jtr_jax.export import check, describe
  from jtr_jax.export.network import Size, of_model
  from jtr_jax.inference.load import load
  from jtr_jax.workdir import text_files

FORMATS = ("stablehlo", "onnx")


def main(words: Sequence[str] | None = None) -> int:
  """Run the command.

  Args:
    words: the command line, that of the process by default.

  Returns:
    Exit code: 0 if the file was written and gives the same numbers.
  """
  given = _parser().parse_args(words)
  return commands.run(lambda: _export(given))


def _export(given: argparse.Namespace) -> None:
  out: Path = given.out
  check.require_new(out, overwrite=given.overwrite)
  model = load(given.workdir, which=given.which)
  network = of_model(model, given.size)
  if given.format == "onnx":
    with extras.required("onnx"):
      from jtr_jax.export import onnx_file

      data = onnx_file.write(network)
      read = onnx_file.read(data)
  else:
    from jtr_jax.export import stablehlo

    data = stablehlo.write(network)
    read = stablehlo.read(data)
  differences = check.compare(network, read)
  text_files.replace_bytes(out, data)
  text_files.replace(
    out.with_name(out.name + ".json"), describe.to_json(network, given.format)
  )
  sys.stdout.write(describe.summary(network, out, len(data), differences))


def _size(text: str) -> Size:
  """Return (H, W) of "288x384", None for "any", and "training" itself."""
  if text == "any":
    return None
  if text == "training":
    return "training"
  height, cross, width = text.partition("x")
  if not (cross and height.isdigit() and width.isdigit()):
    raise argparse.ArgumentTypeError(
      'give HEIGHTxWIDTH, such as 288x384, or "any"'
    )
  return int(height), int(width)


def _parser() -> argparse.ArgumentParser:
  parser = commands.Parser(
    prog="python -m jtr_jax.export", description=__doc__, allow_abbrev=False
  )
  parser.add_argument("--workdir", required=True, type=Path, help="of a run")
  parser.add_argument("--format", choices=FORMATS, default=FORMATS[0])
  parser.add_argument("--out", required=True, type=Path, help="file to write")
  parser.add_argument(
    "--which", choices=("best", "latest"), default="best", help="checkpoint"
  )
  parser.add_argument(
    "--size",
    type=_size,
    default="training",
    metavar="HxW",
    help='of images [that of the training]; "any" for all multiples of the '
    "network's stride, which SegNet without image-level tasks allows",
  )
  parser.add_argument("--overwrite", action="store_true")
  return parser


if __name__ == "__main__":
  sys.exit(main())
