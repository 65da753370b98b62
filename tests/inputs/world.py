"""The folder in which all rows run: good data and runs, and broken ones."""

import json
import shutil

import numpy as np
from PIL import Image

from jtr_jax import main
from tests import short_training, small_config
from tests.data.datasets import own_folder


def fill(here, rooms):
  """Write below `here`, which is the working directory.

  There are prepared `rooms`, a `run` that ended on them, `mine`, a folder of a
  user's own files, and files that are no such thing.
  """
  shutil.copytree(rooms, here / "rooms")
  own_folder.write(here / "mine")
  settings = small_config.settings("rooms")
  with short_training.nothing_is_learnt():
    main.train(settings, here / "run", name="rooms_demo.py")
  (here / "binary").write_bytes(bytes(range(256)))
  (here / "list.json").write_text("[]")
  (here / "empty").write_text("")
  (here / "folder").mkdir()
  (here / "broken_link").symlink_to(here / "nowhere")
  (here / "text").write_text("not what anybody expects\n")


def photo(path, size=(8, 8), seed=0):
  """Write a picture of noise."""
  path.parent.mkdir(parents=True, exist_ok=True)
  draw = np.random.default_rng(seed)
  pixels = draw.integers(0, 256, (*size, 3), dtype=np.uint8)
  Image.fromarray(pixels).save(path)


def copy_run(here, name, change=None):
  """Copy the finished run, and change its config.json or the like."""
  target = here / name
  if not target.exists():
    shutil.copytree(here / "run", target)
    if change:
      change(target)
  return target


def edit_json(path, change):
  """Rewrite a JSON file with its content changed."""
  content = json.loads(path.read_text())
  path.write_text(json.dumps(change(content)))
