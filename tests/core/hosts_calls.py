"""What one of two processes gets from `hosts`, printed as a line of JSON."""

import argparse
import json
import sys
from pathlib import Path

from jtr_jax.core import hosts
from jtr_jax.workdir import shared_folder, text_files


def refused(function):
  try:
    function()
  except (ValueError, OSError) as error:
    return f"{type(error).__name__}: {error}"
  return ""


def calls(folder):
  """Yield names and results, of the same calls in every process."""
  me = int(not hosts.is_primary())
  log = folder / "log"

  def note():
    with log.open("a") as file:
      file.write(f"{me}\n")
    return me

  def fail_in_second():
    if me:
      raise OSError("disk full")

  yield "exchange", hosts.exchange({"me": me})
  yield "agree", hosts.agree(f"said by {me}")
  yield "first", hosts.primary_first(note)
  hosts.wait()
  yield "order", log.read_text()
  yield "failure", refused(lambda: hosts.primary_first(fail_in_second))
  yield "same", refused(lambda: hosts.require_equal("tasks", ["a"]))
  yield "differ", refused(lambda: hosts.require_equal("tasks", [me]))
  shared = folder / "shared"
  yield "shared", refused(lambda: shared_folder.require_shared(shared))
  yield "left", shared.exists()
  shared_folder._SECONDS = 0.5
  own = folder / f"disk_of_{me}" / "run"
  yield "own disks", refused(lambda: shared_folder.require_shared(own))
  text_files.replace(folder / f"text_of_{me}", "written")
  yield "wrote", (folder / f"text_of_{me}").exists()


def main():
  parser = argparse.ArgumentParser()
  parser.add_argument("folder", type=Path)
  parser.add_argument("--coordinator")
  parser.add_argument("--processes", type=int)
  parser.add_argument("--process", type=int)
  given = parser.parse_args()
  hosts.initialize(given.coordinator, given.processes, given.process)
  result = json.dumps(dict(calls(given.folder)))
  sys.stdout.write(result + "\n")  # one write, so that lines stay whole


if __name__ == "__main__":
  main()
