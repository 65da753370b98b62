"""The rooms data set: images and labels as a function of (seed, split, index).

Conventions: camera frame x right, y down, z forward; depth is along z (not
along the ray); a normal points towards the camera, so a wall in front has
z = -1. All labels are exact at the centres of the pixels.
"""

import collections
import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.rooms import labels, layout, render, sensor, trace, vectors
from jtr_jax.data.rooms.scene import CLASSES, Scene

SPLITS = ("train", "val")

TASKS: dict[str, dict] = {
  "segmentation": {"kind": "segmentation", "classes": list(CLASSES)},
  "depth": {"kind": "depth"},
  "normals": {"kind": "normals"},
  "edge_occlusion": {"kind": "regression"},
  "reshading": {"kind": "regression"},
  "keypoints2d": {"kind": "regression"},
  "edge_texture": {"kind": "regression"},
}
"""What a manifest says of the tasks, in the order of Taskonomy's benchmark."""

_SMALLEST = 16
_AHEAD = 4  # finished images that may wait for the consumer, per worker


def render_room(
  seed: int, split: str, index: int, size: tuple[int, int]
) -> dict[str, np.ndarray]:
  """Return one image with all its labels.

  The scene depends on (seed, split, index) only; sensor noise also on the size.

  Args:
    seed: of the data set, not negative.
    split: "train" or "val"; their scenes are independent.
    index: of the image in its split, not negative.
    size: height H and width W in pixels.

  Returns:
    image u8[H, W, 3]; segmentation i8[H, W], -1 where unlabelled; depth
    f32[H, W, 1] in metres and normals f16[H, W, 3], NaN where a depth camera
    would see nothing; edge_occlusion, reshading, keypoints2d, edge_texture
    f16[H, W, 1] in [0, 1].

  Raises:
    ValueError: for an unknown split, a negative number or a tiny size.
  """
  _check(seed, split, index, size)
  words = [seed, SPLITS.index(split), index]
  scene = layout.make_scene(_stream(words, 0))
  return render_scene(scene, _stream(words, 1), size)


def render_scene(
  scene: Scene, noise: np.random.Generator, size: tuple[int, int]
) -> dict[str, np.ndarray]:
  """Return the image and the labels of a scene, as `render_room` does.

  Args:
    scene: the scene.
    noise: source of the sensors' settings and noise.
    size: height and width in pixels.

  Returns:
    The same arrays as `render_room`.
  """
  solids = trace.solids(scene.parts)
  hits = trace.look(scene.room, solids, scene.camera, size)
  seen = render.surfaces(scene, hits)
  light = render.radiance(scene, solids, hits, seen)
  image = sensor.photograph(noise, light, size)
  cosine = vectors.dot(seen.normal, seen.view)
  holes = sensor.depth_holes(noise, scene.camera, hits, cosine, seen.infrared)
  frame = scene.camera.frame.astype(np.float32)
  normal = vectors.mapped(frame, seen.normal).reshape(3, *size)
  edges, corners = labels.picture_edges(image)
  stored = {
    "edge_occlusion": labels.edge_occlusion(scene.camera, hits, normal),
    "reshading": labels.reshading(cosine, seen.distance).reshape(size),
    "keypoints2d": corners,
    "edge_texture": edges,
  }
  return {
    "image": image,
    "segmentation": seen.label.reshape(size),
    "depth": np.where(holes, np.nan, hits.depth)[..., None],
    "normals": np.where(holes[..., None], np.nan, normal.transpose(1, 2, 0))
    .astype(np.float16),
    **{k: v[..., None].astype(np.float16) for k, v in stored.items()},
  }  # fmt: skip


def rooms_examples(
  seed: int,
  split: str,
  count: int,
  size: tuple[int, int],
  workers: int | None = None,
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
  """Yield the first images of a split in order, rendered in parallel.

  Args:
    seed: of the data set.
    split: "train" or "val".
    count: how many images.
    size: height and width in pixels.
    workers: processes; the number of processors if None; 1 renders in this
      process.

  Yields:
    An id such as "train_00012" and the arrays of `render_room`.

  Raises:
    ValueError: as `render_room` does.
  """
  _check(seed, split, 0, size)
  workers = (os.cpu_count() or 1) if workers is None else workers
  jobs = ((seed, split, index, size) for index in range(count))
  results = map(_render, jobs) if workers <= 1 else _parallel(jobs, workers)
  for index, arrays in enumerate(results):
    yield f"{split}_{index:05d}", arrays


_Job = tuple[int, str, int, tuple[int, int]]


def _render(job: _Job) -> dict[str, np.ndarray]:
  return render_room(*job)


def _parallel(
  jobs: Iterator[_Job], workers: int
) -> Iterator[dict[str, np.ndarray]]:
  """Map in order; fresh processes, as threads of JAX do not survive a fork."""
  context = multiprocessing.get_context("spawn")
  pool = concurrent.futures.ProcessPoolExecutor(workers, mp_context=context)
  waiting: collections.deque[
    concurrent.futures.Future[dict[str, np.ndarray]]
  ] = collections.deque()
  try:
    for job in jobs:
      with _workers_ignore_interrupts():
        waiting.append(pool.submit(_render, job))
      if len(waiting) > _AHEAD * workers:
        yield waiting.popleft().result()
    while waiting:
      yield waiting.popleft().result()
  finally:
    pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _workers_ignore_interrupts() -> Iterator[None]:
  """Start workers that Ctrl-C does not reach; what it means, this process says.

  A terminal interrupts workers too, and each would print a traceback. They
  inherit the mask; a signal that comes meanwhile is only put off.
  """
  before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
  try:
    yield
  finally:
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stream(words: list[int], number: int) -> np.random.Generator:
  sequence = np.random.SeedSequence(words, spawn_key=(number,))
  return np.random.Generator(np.random.Philox(sequence))


def _check(seed: int, split: str, index: int, size: tuple[int, int]) -> None:
  if split not in SPLITS:
    raise errors.unknown_name("split", split, SPLITS)
  if seed < 0 or index < 0:
    raise ValueError(
      errors.message(
        "A room has no negative number",
        found=f"seed {seed}, index {index}",
        expected="seed >= 0 and index >= 0",
        do="Use another seed.",
      )
    )
  if min(size) < _SMALLEST:
    raise ValueError(
      errors.message(
        "The images would be too small",
        found=f"size {tuple(size)}",
        expected=f"height and width of at least {_SMALLEST}",
        do="Raise the size.",
      )
    )
