"""Make a folder for the Hugging Face hub: model card, weights, config.

python -m jtr_jax.card --workdir=RUN --out=DIR writes README.md from the result
card, model.safetensors, config.json and network.json. Nothing is sent: that is
your own command, such as `hf upload NAME DIR`. `jtr_jax.load(DIR)` reads it.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from jtr_jax.core import errors, extras

with extras.required("program"):
  from jtr_jax.card import model_card
  from jtr_jax.config.trained import Trained, restore
  from jtr_jax.pretrained import weights_file
  from jtr_jax.workdir import network_file, result_card, text_files


def main(words: Sequence[str] | None = None) -> int:
  """Run the command.

  Args:
    words: the command line, that of the process by default.

  Returns:
    Exit code: 0 if the folder was made.
  """
  given = _parser().parse_args(words)
  try:
    _require_new(given.out)
    trained = restore(given.workdir, given.which)
    _write(trained, given)
  except (ValueError, OSError) as error:
    sys.stderr.write(f"{type(error).__name__}: {error}\n")
    return 1
  sys.stdout.write(f"{given.out}: step {trained.step} of {given.workdir}\n")
  return 0


def _write(trained: Trained, given: argparse.Namespace) -> None:
  """Write the folder under another name first, so that it is whole."""
  out: Path = given.out
  begun = out.with_name(out.name + ".tmp")
  with text_files.clear_errors(out):
    shutil.rmtree(begun, ignore_errors=True)
    begun.mkdir(parents=True)
  try:
    weights_file.write(begun, trained.params, trained.model_state, trained.step)
    network_file.write(begun, trained.about)
    shutil.copyfile(given.workdir / "config.json", begun / "config.json")
    has_card = result_card.exists(given.workdir)
    card = result_card.read(given.workdir) if has_card else None
    picture = given.workdir / "pictures" / model_card.PICTURE
    if picture.exists():
      shutil.copyfile(picture, begun / model_card.PICTURE)
    text = model_card.to_markdown(
      trained,
      card,
      name=given.name or out.name,
      licence=given.license,
      has_picture=picture.exists(),
    )
    text_files.replace(begun / "README.md", text)
    begun.rename(out)
  finally:
    shutil.rmtree(begun, ignore_errors=True)


def _require_new(out: Path) -> None:
  """Raise a `ValueError` if there is something at the place of the folder."""
  if out.exists():
    raise ValueError(
      errors.message(
        f"The folder cannot be written to {out}",
        found="a file" if out.is_file() else "a folder",
        expected="nothing there",
        do="Choose another --out.",
      )
    )


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(
    prog="python -m jtr_jax.card", description=__doc__, allow_abbrev=False
  )
  parser.add_argument("--workdir", required=True, type=Path, help="of a run")
  parser.add_argument("--out", required=True, type=Path, help="folder to make")
  parser.add_argument(
    "--which", choices=("best", "latest"), default="best", help="[best]"
  )
  parser.add_argument("--name", default="", help="title [that of the folder]")
  parser.add_argument(
    "--license", default="", help="of the weights, such as cc-by-nc-4.0"
  )
  return parser


if __name__ == "__main__":
  sys.exit(main())
