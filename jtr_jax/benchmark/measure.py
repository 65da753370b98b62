"""What one compiled step costs: time, memory, arithmetic."""

import dataclasses
import json
import re
import resource
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import jax

Precision: TypeAlias = Literal["bfloat16", "float32"]

_PEAK_TFLOPS: dict[str, dict[Precision, float]] = {
  "NVIDIA A100": {"bfloat16": 312.0, "float32": 156.0},
  "NVIDIA H100 PCIe": {"bfloat16": 756.0, "float32": 378.0},
  "NVIDIA H100 NVL": {"bfloat16": 835.0, "float32": 417.5},
  "NVIDIA H100": {"bfloat16": 989.4, "float32": 494.7},
  "NVIDIA H200": {"bfloat16": 989.4, "float32": 494.7},
  "TPU v4": {"bfloat16": 275.0},
  "TPU v5 lite": {"bfloat16": 197.0},
  "TPU v5e": {"bfloat16": 197.0},
  "TPU v5": {"bfloat16": 459.0},
  "TPU v6": {"bfloat16": 918.0},
}
"""Dense peak of one device by the beginning of `device_kind`, from the vendors'
data sheets; float32 is TF32 on tensor cores."""


_COLLECTIVE = (
  r" (all-gather|all-reduce|all-to-all|collective-permute|reduce-scatter)"
  r"(?:-start)?\("
)


@dataclasses.dataclass(frozen=True)
class Measurement:
  """The cost of one step; memory and FLOPs are per device.

  Attributes:
    device: kind of the devices.
    devices: how many there are.
    precision: what the peak refers to.
    images: images a step.
    trace_seconds: time to trace and lower.
    compile_seconds: time to compile.
    step_seconds: one for each run.
    flops: of one step, as the compiler counts them: the body of a loop once.
      None where it does not count.
    argument_bytes: of the arguments.
    temporary_bytes: of the program in addition to arguments and results.
    peak_bytes: most memory in use since the process started.
    peak_is_of: "device", or "process" where the device does not report it.
    peak_flops: peak FLOP/s of one device; None if unknown.
    collectives: kind -> how many of them the program has.
  """

  device: str
  devices: int
  precision: Precision
  images: int
  trace_seconds: float
  compile_seconds: float
  step_seconds: tuple[float, ...]
  flops: float | None
  argument_bytes: int | None
  temporary_bytes: int | None
  peak_bytes: int
  peak_is_of: Literal["device", "process"]
  peak_flops: float | None
  collectives: Mapping[str, int] = dataclasses.field(default_factory=dict)

  @property
  def median_seconds(self) -> float:
    """Median time of a step."""
    return statistics.median(self.step_seconds)

  @property
  def spread_seconds(self) -> float:
    """Distance between the quartiles of the times."""
    if len(self.step_seconds) < 2:
      return 0.0
    low, _, high = statistics.quantiles(self.step_seconds, method="inclusive")
    return high - low

  @property
  def images_per_second(self) -> float:
    """Images a second at the median time."""
    return self.images / self.median_seconds

  @property
  def share_of_peak(self) -> float | None:
    """Share of the device's peak FLOP/s; None if either is unknown."""
    if self.flops is None or self.peak_flops is None:
      return None
    return self.flops / self.median_seconds / self.peak_flops

  def to_json(self) -> str:
    """Return everything as one JSON object."""
    content = dataclasses.asdict(self) | {
      "median_seconds": self.median_seconds,
      "spread_seconds": self.spread_seconds,
      "images_per_second": self.images_per_second,
      "share_of_peak": self.share_of_peak,
    }
    return json.dumps(content, indent=2)

  def to_text(self) -> str:
    """Return a table for people."""
    rows = {
      "device": f"{self.devices} x {self.device}",
      "trace": f"{self.trace_seconds:.2f} s",
      "compile": f"{self.compile_seconds:.2f} s",
      "step": f"{1e3 * self.median_seconds:.2f} ms "
      f"(median of {len(self.step_seconds)}, "
      f"quartiles {1e3 * self.spread_seconds:.2f} ms apart)",
      "images": f"{self.images_per_second:.1f} /s ({self.images} a step)",
      "arithmetic": _or_unknown(self.flops, 1e-9, "GFLOP a step"),
      "share of peak": _or_unknown(self.share_of_peak, 100.0, "%")
      + (f" ({self.precision})" if self.share_of_peak is not None else ""),
      "arguments": _or_unknown(self.argument_bytes, 2.0**-20, "MiB"),
      "temporary": _or_unknown(self.temporary_bytes, 2.0**-20, "MiB"),
      "peak memory": f"{self.peak_bytes / 2**20:.1f} MiB "
      f"(of the {self.peak_is_of})",
    }
    if self.devices > 1:
      found = (f"{n} {kind}" for kind, n in self.collectives.items())
      rows["collectives"] = ", ".join(found) or "none"
    return "\n".join(f"{name:<14}{text}" for name, text in rows.items()) + "\n"


def measure(
  function: Any,
  *args: Any,
  images: int,
  precision: Precision = "float32",
  carry: bool = True,
  runs: int = 20,
  warmup: int = 2,
) -> Measurement:
  """Compile a jitted function and measure it.

  With the persistent compilation cache on, a second measurement reports the
  time to load the program, not to compile it.

  Args:
    function: made by `jax.jit`, returns a pytree of arrays. One step: of a
      loop over several the compiler would count the arithmetic of one.
    *args: its arguments, on their devices.
    images: images in one call.
    precision: of most arithmetic, for the fraction of the peak.
    carry: whether the first result is the next call's first argument, as the
      state of a train step is; a must if that argument is donated, and what
      was passed as it is then used up.
    runs: measured calls.
    warmup: calls before them.

  Returns:
    The measurement.
  """
  start = time.perf_counter()
  lowered = function.lower(*args)
  traced = time.perf_counter()
  compiled = lowered.compile()
  done = time.perf_counter()
  seconds = _times(compiled, args, carry=carry, count=warmup + runs)[warmup:]
  memory = compiled.memory_analysis()
  device = jax.devices()[0]
  peak_bytes, peak_is_of = _peak_memory(device)
  return Measurement(
    device=device.device_kind,
    devices=jax.device_count(),
    precision=precision,
    images=images,
    trace_seconds=traced - start,
    compile_seconds=done - traced,
    step_seconds=tuple(seconds),
    flops=_flops(compiled),
    argument_bytes=getattr(memory, "argument_size_in_bytes", None),
    temporary_bytes=getattr(memory, "temp_size_in_bytes", None),
    peak_bytes=peak_bytes,
    peak_is_of=peak_is_of,
    peak_flops=peak_flops(device.device_kind, precision),
    collectives=collectives(compiled.as_text()),
  )


def collectives(program: str) -> dict[str, int]:
  """Return how many collectives of each kind a compiled program has.

  Args:
    program: its text; those of a loop's body count once.
  """
  found = re.findall(_COLLECTIVE, program)
  return {kind: found.count(kind) for kind in sorted(set(found))}


def peak_flops(device_kind: str, precision: Precision) -> float | None:
  """Return the dense peak FLOP/s of one device.

  Args:
    device_kind: as `jax.Device.device_kind` has it.
    precision: of the arithmetic.

  Returns:
    FLOP/s, None for a device that is not in the table.

  Source: the vendors' data sheets.
  """
  names = [name for name in _PEAK_TFLOPS if device_kind.startswith(name)]
  if not names:
    return None
  tera = _PEAK_TFLOPS[max(names, key=len)].get(precision)
  return None if tera is None else 1e12 * tera


def _times(
  compiled: Any, args: tuple[Any, ...], *, carry: bool, count: int
) -> list[float]:
  """Return seconds of each call, until its results are there."""
  seconds = []
  jax.block_until_ready(args)
  for _ in range(count):
    start = time.perf_counter()
    results = jax.block_until_ready(compiled(*args))
    seconds.append(time.perf_counter() - start)
    if carry:
      args = (results[0], *args[1:])
  return seconds


def _flops(compiled: Any) -> float | None:
  cost = compiled.cost_analysis()
  if not isinstance(cost, Mapping):
    return None
  flops = cost.get("flops")
  return float(flops) if flops and flops > 0 else None


def _peak_memory(
  device: jax.Device,
) -> tuple[int, Literal["device", "process"]]:
  stats = device.memory_stats() or {}
  if "peak_bytes_in_use" in stats:
    return int(stats["peak_bytes_in_use"]), "device"
  most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  return most * (1 if sys.platform == "darwin" else 1024), "process"


def _or_unknown(value: float | None, scale: float, unit: str) -> str:
  return "unknown" if value is None else f"{scale * value:.1f} {unit}"
