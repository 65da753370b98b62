"""Several processes that train as one: who they are and how they agree.

A run on several machines is one process on each of them, or on each GPU. Every
process runs the same program; process 0 alone writes files and shows progress.
What depends on files is decided by it and agreed on, because disks differ.

Nothing here goes through the devices, whose collectives do not wait for hours,
as others may have to while one process prepares data.
"""

import functools
import hashlib
import itertools
import json
import os
import re
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import jax
from jax._src import distributed  # its client has no public name

from jtr_jax.core import errors

STOPPED = 143
"""Exit code of a run that a signal stopped and that is saved: it can resume."""

LOST = 75
"""Exit code where another process went away or never came: start all again."""

START_SECONDS = 100
"""How long a process waits for the others when it starts."""

_HEARTBEAT_SECONDS = 60
_EXIT_SECONDS = 60
_LONG_MS = 24 * 3600 * 1000  # of a wait; a process that dies ends it at once
_ONE_TASK = ("SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE")
_LOST_STATUS = re.compile(  # what XLA's errors begin with, whatever their class
  "(ABORTED|CANCELLED|DEADLINE_EXCEEDED|INTERNAL|UNAVAILABLE|UNKNOWN): "
)
_Value = TypeVar("_Value")
_numbers = itertools.count()  # every process waits for the same things in order


class PeerError(ValueError):
  """Another process of the run has refused to go on; it says why."""


def initialize(
  coordinator: str = "", processes: int = 0, process: int = -1
) -> None:
  """Join the other processes of the run, before anything asks for devices.

  Without arguments the processes are those that JAX finds: of SLURM, Open MPI,
  Kubernetes or a Cloud TPU. Where it finds none, or one alone, nothing happens.

  Args:
    coordinator: "host:port" of process 0, the same for all.
    processes: how many there are.
    process: number of this one, from 0.

  Raises:
    ValueError: some of the arguments are missing or out of range.
  """
  given = (bool(coordinator), processes > 0, process >= 0)
  if any(given):
    if not all(given) or process >= processes:
      raise _incomplete(coordinator, processes, process)
    _join(coordinator, processes, process)
  elif not _is_known_to_be_alone():
    try:
      _join()
    except ValueError:  # no cluster
      if jax.distributed.is_initialized():
        raise


def is_primary() -> bool:
  """Return whether this process writes files and shows progress."""
  return not jax.distributed.is_initialized() or jax.process_index() == 0


def is_alone() -> bool:
  """Return whether there are no other processes."""
  return not jax.distributed.is_initialized() or jax.process_count() == 1


def exchange(value: Any) -> list[Any]:
  """Return what every process has given, in their order.

  Args:
    value: anything JSON can hold.
  """
  if is_alone():
    return [json.loads(json.dumps(value))]
  client, number = _client(), next(_numbers)
  client.key_value_set(_key(number, jax.process_index()), json.dumps(value))
  return [
    json.loads(client.blocking_key_value_get(_key(number, process), _LONG_MS))
    for process in range(jax.process_count())
  ]


def agree(value: _Value) -> _Value:
  """Return what process 0 has given.

  Args:
    value: anything JSON can hold; what the others give is not looked at.
  """
  if is_alone():
    return value
  client, key = _client(), _key(next(_numbers), 0)
  if is_primary():
    client.key_value_set(key, json.dumps(value))
  found: _Value = json.loads(client.blocking_key_value_get(key, _LONG_MS))
  return found


def wait() -> None:
  """Return when every process has come here."""
  if not is_alone():
    _client().wait_at_barrier(f"jtr_jax/{next(_numbers)}", _LONG_MS)


def primary_first(function: Callable[[], _Value]) -> _Value:
  """Return the function's result, where the first call may make files.

  Process 0 calls it first, then the first process of each machine, then all
  others: files are made once on a shared disk, and once on each machine's own.

  Args:
    function: makes files unless they are there.

  Raises:
    PeerError: the function raised in another process.
    Exception: what it raised here.
  """
  if is_alone():
    return function()
  machines = exchange(socket.gethostname())
  me, mine = jax.process_index(), machines[jax.process_index()]
  turn = 0 if me == 0 else 1 if machines.index(mine) == me else 2
  results: list[_Value] = []
  for number in range(3):
    failure = None
    if number == turn:
      try:
        results.append(function())
      except Exception as error:
        failure = error
    require_success(failure)
  return results[0]


def require_success(failure: Exception | None) -> None:
  """Raise in every process if something went wrong in one of them.

  Args:
    failure: what went wrong in this one.

  Raises:
    PeerError: something went wrong in another process.
    Exception: `failure`.
  """
  texts = exchange(str(failure) if failure else "")
  if failure:
    raise failure
  for process, text in enumerate(texts):
    if text:
      raise PeerError(f"Process {process} of {len(texts)} says: {text}")


def require_equal(what: str, value: Any) -> None:
  """Raise unless all processes have the same.

  Args:
    what: it is, for the message.
    value: anything JSON can hold.

  Raises:
    ValueError: in every process, naming one that differs.
  """
  if is_alone():
    return
  text = json.dumps(value, sort_keys=True)
  digests = exchange(hashlib.sha256(text.encode()).hexdigest()[:12])
  other = [n for n, digest in enumerate(digests) if digest != digests[0]]
  if other:
    raise ValueError(
      errors.message(
        f"The processes of this run differ in their {what}",
        found=f"{digests[0]} in process 0 and {digests[other[0]]} in process "
        f"{other[0]}",
        expected="the same command, program and data on every machine",
        do="Make them equal, or use a disk that all of them share.",
      )
    )


def leave(code: int) -> NoReturn:
  """End this process at once, without waiting for others that never come.

  Args:
    code: its exit code.
  """
  sys.stdout.flush()
  sys.stderr.flush()
  os._exit(code)


def is_lost(error: BaseException | None) -> bool:
  """Return whether an error comes from a process that has gone away.

  Args:
    error: what was raised, with its causes.
  """
  if error is None or is_alone():
    return False
  if _LOST_STATUS.match(str(error)):
    return isinstance(error, jax.errors.JaxRuntimeError | ValueError)
  return is_lost(error.__cause__ or error.__context__)


def lost(why: BaseException) -> str:
  """Return the message for a process that others have left alone.

  Args:
    why: what was noticed, see `is_lost`.
  """
  return errors.message(
    "Another process of this run has ended or cannot be reached",
    found=str(why).split("\n", maxsplit=1)[0][:300],
    expected=f"all {jax.process_count()} processes",
    do="Its own output says why. Start all of them again with the same "
    "command: the run goes on from its last checkpoint.",
  )


def _join(*given: Any) -> None:
  """Initialize JAX, or leave with a message when the others do not come."""
  late = threading.Timer(START_SECONDS, _give_up, given)
  late.daemon = True
  late.start()
  initialize = functools.partial(
    jax.distributed.initialize,
    initialization_timeout=2 * START_SECONDS,
    heartbeat_timeout_seconds=_HEARTBEAT_SECONDS,
    shutdown_timeout_seconds=_EXIT_SECONDS,
  )
  try:
    initialize(*given)
  finally:
    late.cancel()


def _give_up(*given: Any) -> None:
  """End a process that has waited for the others long enough."""
  one = distributed.global_state
  known: Any = one.coordinator_address, one.num_processes, one.process_id
  coordinator, processes, process = given or known
  text = errors.message(
    "Not all processes of this run have come",
    found=f"process {process} has waited {START_SECONDS} s at {coordinator}",
    expected=f"all {processes} with the coordinator that process 0 opens",
    do="Look at the output of the others and at the firewall; start all again.",
  )
  sys.stderr.write(text + "\n")
  leave(LOST)


def _is_known_to_be_alone() -> bool:
  """Return whether a cluster started this process, but no others with it."""
  in_pod = "KUBERNETES_SERVICE_HOST" in os.environ
  if in_pod and "JOB_COMPLETION_INDEX" not in os.environ:
    return True
  return any(os.environ.get(name) == "1" for name in _ONE_TASK)


def _client() -> Any:
  return distributed.global_state.client


def _key(number: int, process: int) -> str:
  return f"jtr_jax/{number}/{process}"


def _incomplete(coordinator: str, processes: int, process: int) -> ValueError:
  return ValueError(
    errors.message(
      "The processes of a run are not described completely",
      found=f"coordinator {coordinator!r}, {processes} processes, number "
      f"{process}",
      expected="--coordinator=HOST:PORT --processes=N --process=0 .. N-1",
      do="Give all three, or none where SLURM, Open MPI, Kubernetes or a Cloud "
      "TPU tells them.",
    )
  )
