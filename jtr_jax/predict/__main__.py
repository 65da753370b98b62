"""Predict for your own images with a trained network.

python -m jtr_jax.predict --workdir=RUN IMAGE_OR_FOLDER ... --out=DIR writes the
value of every task for every image, a picture of it, and one overview of all.
Several --workdir are averaged, and their spread is written too.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jtr_jax.core import extras

with extras.required("program"):
  from jtr_jax.core import commands
  from jtr_jax.data.progress_bar import progress
  from jtr_jax.inference.load import load
  from jtr_jax.inference.options import Options
  from jtr_jax.predict import inputs
  from jtr_jax.predict.results import FORMATS, Results
  from jtr_jax.train.compilation import enable_compilation_cache


def main(words: Sequence[str] | None = None) -> int:
  """Run the command.

  Args:
    words: the command line, that of the process by default.

  Returns:
    Exit code: 0 if all is well.
  """
  given = _parser().parse_args(words)
  return commands.run(lambda: _predict(given))


def _predict(given: argparse.Namespace) -> None:
  options = Options(
    flip=given.flip,
    windows=given.windows,
    scale=given.scale,
    batch_size=given.batch_size,
  )
  images = inputs.find(given.images)
  enable_compilation_cache()
  model = load(given.workdir, which=given.which)
  results = Results(
    given.out, model, values=given.values, overwrite=given.overwrite
  )
  read = (inputs.read(image.path) for image in images)
  shown = progress(images, total=len(images), what="Predict")
  outputs = model.outputs(results.note(read), options)
  for image, output in zip(shown, outputs, strict=True):
    results.add(image.name, output)
  results.finish(
    {
      "workdirs": [str(m.trained.folder) for m in model.members],
      "steps": [m.trained.step for m in model.members],
      "images": {image.name: str(image.path) for image in images},
      "flip": options.flip,
      "windows": options.windows,
      "scale": options.scale,
    }
  )
  sys.stdout.write(f"{len(images)} images: see {given.out}/overview.png\n")


def _parser() -> argparse.ArgumentParser:
  parser = commands.Parser(
    prog="python -m jtr_jax.predict", description=__doc__, allow_abbrev=False
  )
  parser.add_argument(
    "images",
    nargs="+",
    type=Path,
    metavar="IMAGE_OR_FOLDER",
    help="png, jpg, tif or npy files, or folders that hold some",
  )
  parser.add_argument(
    "--workdir",
    action="append",
    required=True,
    type=Path,
    help="of a run; several are averaged",
  )
  parser.add_argument("--out", required=True, type=Path, help="folder to make")
  parser.add_argument(
    "--which",
    choices=("best", "latest"),
    default="best",
    help="checkpoint [best]",
  )
  parser.add_argument(
    "--values",
    choices=FORMATS,
    default="npy",
    help="form of numbers: float32 npy, or 16-bit png of one channel [npy]",
  )
  parser.add_argument(
    "--flip",
    action="store_true",
    help="average with the prediction for the mirrored image",
  )
  parser.add_argument(
    "--windows",
    action="store_true",
    help="slide windows of the training size over each image",
  )
  parser.add_argument(
    "--scale",
    type=float,
    default=1.0,
    help="of images before they are cut into windows [1]",
  )
  parser.add_argument(
    "--batch-size", type=int, default=8, help="images at once [8]"
  )
  parser.add_argument(
    "--overwrite", action="store_true", help="write over earlier predictions"
  )
  return parser


if __name__ == "__main__":
  sys.exit(main())
