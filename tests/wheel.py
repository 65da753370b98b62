"""A wheel of the project, as `pip install --target` would leave it."""

import contextlib
import os
import zipfile

from tests.config_files import ROOT


def install(folder):
  """Build a wheel in a folder and unpack it there; return where it lies."""
  from hatchling import build  # takes a while

  with contextlib.chdir(ROOT):
    name = build.build_wheel(os.fspath(folder))
  place = folder / "site-packages"
  with zipfile.ZipFile(folder / name) as wheel:
    wheel.extractall(place)
  return place
