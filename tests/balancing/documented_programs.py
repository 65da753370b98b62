"""The programs of docs/balancing.md; as a command the one for devices."""

import json
import re
import sys

import jax
import numpy as np

from tests.config_files import ROOT

PAGE = (ROOT / "docs" / "balancing.md").read_text()
HEADINGS = (
  "Flax Linen",
  "Flax NNX",
  "Equinox, with an encoder and decoders",
  "Several devices",
  "K losses of a bfloat16 model",
)


def source(heading):
  """Return the program below a heading."""
  section = re.split(r"^#+ ", PAGE, flags=re.MULTILINE)
  text = next(part for part in section if part.startswith(heading + "\n"))
  return re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]


def run(heading):
  """Return what a program's names stand for at its end."""
  names = {}
  exec(compile(source(heading), heading, "exec"), names)
  return names


def main():
  names = run("Several devices")
  by_jit, by_shard_map = names["by_jit"][0]["w"], names["by_shard_map"][0]["w"]
  values = {
    "devices": jax.device_count(),
    "error": float(np.max(np.abs(by_jit - by_shard_map))),
    "moved": float(np.max(np.abs(by_jit - names["params"]["w"]))),
  }
  sys.stdout.write(json.dumps(values))


if __name__ == "__main__":
  main()
