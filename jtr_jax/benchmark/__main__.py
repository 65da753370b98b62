"""Measure the train step of a config.

python -m jtr_jax.benchmark --config=FILE.py reports compile time, step time,
images per second, memory, FLOPs and the fraction of the device's peak, as text
and, with --json=FILE, as JSON. The data is random: nothing is prepared, read or
written. The step is the one that `jtr_jax.main` runs.

With --balancing=all, or names with commas between, the step is measured with
each balancing in place of the config's, in a table relative to `uniform`.
pcgrad@features measures a balancing on another scope than its default.

With --devices=N they are simulated on the CPU: FLOPs and bytes are those of one
device, and the collectives between them are counted; times mean nothing then.
"""

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from jtr_jax.core import extras, paths

with extras.required("program"):
  import jax
  import jax.numpy as jnp
  import numpy as np
  from absl import flags

  from jtr_jax.benchmark.measure import Measurement, measure
  from jtr_jax.config import (
    balancing_presets,
    build,
    build_balancing,
    build_optimizer,
    flag,
    registry,
  )
  from jtr_jax.config.settings import Settings
  from jtr_jax.data.loading.examples import Examples, WithExtra
  from jtr_jax.data.loading.feed import Feed
  from jtr_jax.data.records.manifest import Manifest
  from jtr_jax.data.rooms import generate
  from jtr_jax.tasks.base import Task
  from jtr_jax.train import dispatch, loop
  from jtr_jax.train.run_parts import Run, Schedule

_SIZE = (288, 384)  # of NYUv2 in the papers, where the config leaves it open

_MOST_RUNS = 10**6
_RUNS = flags.DEFINE_integer("runs", 20, "Steps to time.")
_JSON = flags.DEFINE_string("json", "", "Where to write the numbers.")
_DEVICES = flags.DEFINE_integer("devices", 0, "Simulated devices; 0: the real.")
_BALANCING = flags.DEFINE_list(
  "balancing", [], "Balancings to compare: names, name@scope, or all."
)


def main(argv: list[str]) -> None:
  """Measure and report."""
  flag.refuse_words(argv)
  if not 1 <= _RUNS.value <= _MOST_RUNS:
    raise flag.misused(
      "There is nothing to time",
      found=f"--runs={_RUNS.value}",
      expected=f"steps to time, from 1 to {_MOST_RUNS}",
      do="Leave --runs out for 20.",
    )
  if _JSON.value:
    paths.check_output(_JSON.value, "--json")
  if _DEVICES.value:
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", _DEVICES.value)
  flag.join_hosts()
  settings = flag.given()
  if _BALANCING.value:
    if _JSON.value:
      raise flag.misused(
        "--json is for one measurement",
        found="--json with --balancing",
        expected="one of them",
        do="Leave --json out, and keep the printed table.",
      )
    for line in compare_balancings(
      settings, _BALANCING.value, runs=_RUNS.value
    ):
      sys.stdout.write(line + "\n")
      sys.stdout.flush()
    return
  measurement = measure_settings(settings, runs=_RUNS.value)
  sys.stdout.write(measurement.to_text())
  if _JSON.value:
    Path(_JSON.value).write_text(measurement.to_json() + "\n")


def compare_balancings(
  settings: Settings, names: list[str], *, runs: int
) -> Iterator[str]:
  """Yield the lines of a table of step time and memory, relative to `uniform`.

  Args:
    settings: of the run.
    names: of balancings, followed by @ and a scope for another than the
      default; "all" for every balancing there is.
    runs: steps to time.
  """
  if names == ["all"]:
    names = list(balancing_presets.PRESETS)
  first = registry.PARTS["balancing.loss"].default
  names = [first, *(name for name in names if name != first)]
  each = {
    name: balancing_presets.with_balancing(settings, name) for name in names
  }
  yield "| balancing | step, ms | / uniform | temporary, MiB | / uniform |"
  yield "|---|---:|---:|---:|---:|"
  base: Measurement | None = None
  for name, own in each.items():
    found = measure_settings(own, runs=runs)
    base = base or found
    yield _comparison(name, found, base)


def _comparison(name: str, found: Measurement, base: Measurement) -> str:
  time = found.median_seconds
  memory, least = found.temporary_bytes, base.temporary_bytes
  known = memory is not None and least
  size = f"{(memory or 0) / 2**20:.1f}" if known else "unknown"
  share = f"{(memory or 0) / (least or 1):.2f}" if known else "unknown"
  return (
    f"| {name} | {1e3 * time:.2f} | {time / base.median_seconds:.3f} "
    f"| {size} | {share} |"
  )


def measure_settings(settings: Settings, *, runs: int) -> Measurement:
  """Measure one train step of a run.

  Args:
    settings: of the run; its data set is not touched, and steps are dispatched
      one by one, because XLA counts the FLOPs of a loop's body once.
    runs: steps to time.
  """
  run = _random_run(settings)
  return measure(
    loop.run_dispatch(run),
    loop.start_state(run),
    run.feed.constant,
    dispatch.fetch_steps(run.feed, 0, 1),
    images=run.batch_size,
    precision=settings.train.dtype,
    runs=runs,
  )


def _random_run(settings: Settings) -> Run:
  """Return a run on random images and labels."""
  height, width = settings.data.size
  size = (height or _SIZE[0], width or _SIZE[1])
  manifest = Manifest("random", size, generate.TASKS, {}, {})
  tasks = build.make_tasks(
    settings.tasks, manifest, settings.augment.normal_resize
  )
  batch = build.batch_size(settings)
  mesh = dispatch.make_mesh(batch, height=settings.train.height)
  method = build.make_method(settings, tasks, 1.0)
  balancing = build_balancing.make_balancing(settings, tasks, 1.0)
  examples = _random_examples(manifest, tasks, batch)
  rows = np.arange(batch, dtype=np.int32)

  def gather(constant: Examples, order: jax.Array) -> Examples | WithExtra:
    given = jax.tree.map(lambda x: jnp.take(x, order % batch, axis=0), constant)
    extra = balancing.needs_extra_batch
    return WithExtra(given, given) if extra else given

  return Run(
    net=build.make_model(settings, tasks),
    method=method,
    optimizer=build_optimizer.make_optimizer(settings, method, 1.0, balancing),
    balancing=balancing,
    augment=settings.augment,
    feed=Feed(
      jax.device_put(examples, dispatch.replicated(mesh)),
      lambda step: rows + step,
      gather,
    ),
    sample_ids=tuple(map(str, rows)),
    size=size,
    batch_size=batch,
    seed=settings.seed,
    mesh=mesh,
    schedule=Schedule(1, 1, 1, 1, 1, Fraction(1)),
    evaluate=lambda state: {},
    eval_split="",
  )


def _random_examples(
  manifest: Manifest, tasks: tuple[Task, ...], batch: int
) -> Examples:
  """Return a batch in stored form; every second label is hidden."""
  draw = np.random.default_rng(0)
  stored = {}
  for task in tasks:
    form = manifest.form(task.name)
    shape = (batch, *form.shape)
    values = draw.uniform(0, 5, shape)
    stored[task.name] = jnp.asarray(values.astype(form.dtype))
  present = {
    task.name: (jnp.arange(batch) + index) % 2 == 0
    for index, task in enumerate(tasks)
  }
  image = draw.integers(0, 256, (batch, *manifest.size, 3), np.uint8)
  return Examples(
    image=jnp.asarray(image),
    stored=stored,
    present=present,
    sample=jnp.arange(batch),
    epoch=jnp.zeros(batch, jnp.int32),
  )


if __name__ == "__main__":
  flag.run(main)
