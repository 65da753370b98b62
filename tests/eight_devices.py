"""Runs a test module in a process with eight simulated CPU devices."""

import json
import os
import subprocess
import sys

from tests.config_files import ROOT

EIGHT = "--xla_force_host_platform_device_count=8"


def run(module, *words):
  """Return the JSON object that `python -m module` prints."""
  done = subprocess.run(
    [sys.executable, "-m", module, *words],
    cwd=ROOT,
    env={
      **os.environ,
      "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {EIGHT}",
      "JAX_PLATFORMS": "cpu",
    },
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 0, done.stderr
  return json.loads(done.stdout)
