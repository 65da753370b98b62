"""Prints what a step costs eight devices, of which two share each image."""

import json
import math
import re
import sys

import jax
import jax.numpy as jnp
import optax

from jtr_jax.train import loop
from jtr_jax.train.dispatch import fetch_steps
from tests.train import tiny

# What is not divided is little, as it is in every network of use.
tiny.FILTERS = (16,)
BATCH = 4
FACTOR = 4  # of the size
SIZE = tuple(FACTOR * pixels for pixels in tiny.SIZE)


def larger(gather):
  def wide(x):
    if x.shape[1:3] != tiny.SIZE:
      return x
    return jnp.repeat(jnp.repeat(x, FACTOR, axis=1), FACTOR, axis=2)

  return lambda *given: jax.tree.map(wide, gather(*given))


def lowered(devices, height):
  run = tiny.make_run(
    "paper",
    devices=devices,
    height=height,
    batch=BATCH,
    optimizer=optax.sgd(1e-2),
  )
  feed = run.feed._replace(gather=larger(run.feed.gather))
  run = run._replace(feed=feed, size=SIZE)
  arguments = (loop.start_state(run), run.feed.constant)
  fetched = fetch_steps(run.feed, 0, 1)
  return loop.run_dispatch(run).lower(*arguments, fetched), arguments, fetched


def gathered(text):
  """Return the elements of the largest array that is gathered."""
  shapes = re.findall(r"= \w+\[([\d,]*)\]\S* all-gather", text)
  sizes = [math.prod(map(int, shape.split(","))) for shape in shapes if shape]
  return max(sizes, default=0)


def main():
  one, arguments, fetched = lowered(1, 1)
  two, shared, _ = lowered(8, 2)
  programs = [one.compile(), two.compile()]
  text = programs[1].as_text()
  flops = [program.cost_analysis()["flops"] for program in programs]
  losses = [
    float(program(*given, fetched)[1].terms["total/loss"][0])
    for program, given in zip(programs, (arguments, shared), strict=True)
  ]
  found = {
    "share of the FLOPs": flops[1] / flops[0],
    "largest gathered": gathered(text),
    "image": math.prod(SIZE),
    "permutes": len(re.findall(r" collective-permute", text)),
    "losses": losses,
    "devices": jax.device_count(),
  }
  sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
  main()
