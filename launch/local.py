"""Start a command as several processes of one machine, and wait for them.

    python launch/local.py --processes=2 -- --config=FILE.py --workdir=DIR

What stands after -- goes to `python -m jtr_jax.main`, with the address of the
processes added. Each process gets the GPU of its number; with --devices=N it
gets N simulated CPU devices instead. SIGTERM and SIGINT go to all of them as
SIGTERM: the run is saved and stops.

The exit code is 0 (done), 143 (stopped and saved), 1 (something to be mended)
or 75 (a process was lost: the same command resumes).
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

DONE, FAILED, LOST, STOPPED = 0, 1, 75, 143
GRACE_SECONDS = 90.0  # for the others to notice that one has ended
POLL_SECONDS = 0.1


def main(words: Sequence[str] | None = None) -> int:
  """Run the command and return its exit code."""
  given = _parser().parse_args(words)
  port = given.port or _free_port()
  started = [
    _start(given, number, f"localhost:{port}")
    for number in range(given.processes)
  ]
  for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: _send(started, signal.SIGTERM))
  _wait(started)
  codes = [process.returncode for process in started]
  for number, code in enumerate(codes):
    if code < 0:
      name = signal.Signals(-code).name
      sys.stderr.write(f"Process {number} was ended by {name}.\n")
  return exit_code(codes)


def exit_code(codes: Sequence[int]) -> int:
  """Return the code for all processes from theirs, negative for signals."""
  if all(code == DONE for code in codes):
    return DONE
  if FAILED in codes:
    return FAILED
  return STOPPED if set(codes) <= {DONE, STOPPED} else LOST


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("--processes", type=int, required=True)
  parser.add_argument("--devices", type=int, help="simulated, of each process")
  parser.add_argument("--port", type=int, help="of process 0 [a free one]")
  parser.add_argument("--module", default="jtr_jax.main")
  parser.add_argument("words", nargs="*", help="of the command, after --")
  return parser


def _start(
  given: argparse.Namespace, number: int, coordinator: str
) -> "subprocess.Popen[bytes]":
  environment = dict(os.environ)
  if given.devices:
    flag = f"--xla_force_host_platform_device_count={given.devices}"
    environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} {flag}"
    environment["JAX_PLATFORMS"] = "cpu"
  else:
    environment["JAX_LOCAL_DEVICE_IDS"] = str(number)
  command = [sys.executable, "-m", given.module, *given.words]
  if given.processes > 1:
    command += [
      f"--coordinator={coordinator}",
      f"--processes={given.processes}",
      f"--process={number}",
    ]
  return subprocess.Popen(command, env=environment)


def _free_port() -> int:
  with socket.socket() as found:
    found.bind(("localhost", 0))
    port: int = found.getsockname()[1]
    return port


def _wait(started: "Sequence[subprocess.Popen[bytes]]") -> None:
  """Wait for all; when one has failed the others have little time left."""
  end: float | None = None
  while any(process.poll() is None for process in started):
    failed = any(p.returncode not in (None, DONE, STOPPED) for p in started)
    if failed and end is None:
      end = time.monotonic() + GRACE_SECONDS
    if end is not None and time.monotonic() > end:
      _send(started, signal.SIGKILL)
    time.sleep(POLL_SECONDS)


def _send(
  started: "Sequence[subprocess.Popen[bytes]]", number: signal.Signals
) -> None:
  for process in started:
    if process.poll() is None:
      process.send_signal(number)


if __name__ == "__main__":
  sys.exit(main())
