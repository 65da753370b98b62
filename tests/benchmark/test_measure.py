import dataclasses
import json

import jax
import jax.numpy as jnp
import pytest

from jtr_jax.benchmark import measure
from jtr_jax.benchmark.measure import Measurement, peak_flops

EXAMPLE = Measurement(
  device="NVIDIA H100 80GB HBM3",
  devices=1,
  precision="bfloat16",
  images=4,
  trace_seconds=1.0,
  compile_seconds=2.0,
  step_seconds=(0.01, 0.02, 0.03, 0.02, 0.1),
  flops=9.894e11,
  argument_bytes=2**20,
  temporary_bytes=None,
  peak_bytes=3 * 2**20,
  peak_is_of="device",
  peak_flops=989.4e12,
)


def test_donated_state_is_carried():
  def step(state, x):
    return {"w": state["w"] @ x, "n": state["n"] + 1}, state["n"]

  state = {"w": jnp.eye(64), "n": jnp.int32(0)}
  found = measure.measure(
    jax.jit(step, donate_argnums=0), state, jnp.eye(64), images=4, runs=3
  )
  assert state["w"].is_deleted()
  assert len(found.step_seconds) == 3
  assert found.flops == pytest.approx(2 * 64**3, rel=0.01)
  assert found.argument_bytes == 2 * 64 * 64 * 4 + 4
  assert found.peak_is_of == "process"
  assert 10 * 2**20 < found.peak_bytes < 2**40
  assert found.share_of_peak is None
  assert found.images_per_second == 4 / found.median_seconds


def test_function_without_state_is_called_and_compiled_once():
  calls = []

  @jax.jit
  def function(x):
    calls.append("traced")
    jax.debug.callback(lambda: calls.append("called"))
    return x * 2

  found = measure.measure(
    function, jnp.ones(3), images=1, carry=False, runs=2, warmup=3
  )
  jax.effects_barrier()
  assert calls == ["traced"] + ["called"] * 5
  assert len(found.step_seconds) == 2


def test_statistics():
  assert EXAMPLE.median_seconds == 0.02
  assert EXAMPLE.spread_seconds == pytest.approx(0.01)
  assert EXAMPLE.images_per_second == 200
  assert EXAMPLE.share_of_peak == pytest.approx(0.05)
  single = dataclasses.replace(EXAMPLE, step_seconds=(0.5,))
  assert single.spread_seconds == 0


def test_text_and_json():
  assert (
    EXAMPLE.to_text()
    == """\
device        1 x NVIDIA H100 80GB HBM3
trace         1.00 s
compile       2.00 s
step          20.00 ms (median of 5, quartiles 10.00 ms apart)
images        200.0 /s (4 a step)
arithmetic    989.4 GFLOP a step
share of peak 5.0 % (bfloat16)
arguments     1.0 MiB
temporary     unknown
peak memory   3.0 MiB (of the device)
"""
  )
  content = json.loads(EXAMPLE.to_json())
  assert content["share_of_peak"] == pytest.approx(0.05)
  assert content["temporary_bytes"] is None


@pytest.mark.parametrize(
  ("kind", "precision", "tera"),
  [
    ("NVIDIA H100 80GB HBM3", "bfloat16", 989.4),
    ("NVIDIA H100 PCIe", "bfloat16", 756.0),
    ("NVIDIA H200", "float32", 494.7),
    ("NVIDIA A100-SXM4-40GB", "float32", 156.0),
    ("TPU v5 lite", "bfloat16", 197.0),
    ("TPU v5p", "bfloat16", 459.0),
    ("TPU v6 lite", "bfloat16", 918.0),
    ("TPU v4", "float32", None),
    ("cpu", "bfloat16", None),
  ],
)
def test_peaks(kind, precision, tera):
  expected = None if tera is None else pytest.approx(1e12 * tera)
  assert peak_flops(kind, precision) == expected


def test_collectives_are_counted():
  program = """
  %a = f32[4]{0} all-reduce(%x), replica_groups={}
  %b = (f32[4]{0}, f32[4]{0}) all-reduce-start(%a, %x), replica_groups={}
  %c = f32[4]{0} all-reduce-done(%b)
  %all-gather.3 = f32[8]{0} all-gather(%c), dimensions={0}
  """
  found = measure.collectives(program)
  assert found == {"all-gather": 1, "all-reduce": 2}
