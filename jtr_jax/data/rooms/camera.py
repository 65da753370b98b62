"""Choose a camera that sees much of a room."""

import numpy as np

from jtr_jax.data.rooms import trace
from jtr_jax.data.rooms.scene import Camera, Kind, Material, Part, turn
from jtr_jax.data.rooms.scene import roll as rotate_z
from jtr_jax.data.rooms.scene import tilt as rotate_x

_PROBE = (18, 24)
_CANDIDATES = 8


def choose(
  rng: np.random.Generator,
  room: np.ndarray,
  shell: tuple[tuple[Kind, Material], ...],
  parts: tuple[Part, ...],
) -> Camera:
  """Return the best of a few random hand-held cameras.

  Args:
    rng: source of randomness.
    room: f64[3], width, height and length.
    shell: labels and materials of its faces.
    parts: the solids.

  Returns:
    The camera whose view has most classes in it and least emptiness.
  """
  solids = trace.solids(parts)
  labels = np.array([label for label, _ in shell] + [p.label for p in parts])
  candidates: list[Camera] = []
  distance = 0.3
  while len(candidates) < _CANDIDATES:
    camera = _draw(rng, room)
    distance *= 0.99  # so that a full room is no endless search
    if _clear(solids, camera.position, distance):
      candidates.append(camera)
  scores = [_score(room, solids, labels, camera) for camera in candidates]
  return candidates[int(np.argmax(scores))]


def _draw(rng: np.random.Generator, room: np.ndarray) -> Camera:
  """Return A camera near the border of the room that looks inwards."""
  width, height, length = room
  aim = np.array([rng.uniform(0.25, 0.75) * width,
                  rng.uniform(0.25, 0.75) * length])  # fmt: skip
  place = np.array([rng.uniform(0.15, width - 0.15),
                    rng.uniform(0.15, length - 0.15)])  # fmt: skip
  eye = min(rng.uniform(1.0, 1.8), height - 0.4)
  x, z = aim - place
  yaw = np.arctan2(x, z) + rng.normal(0, 0.2)
  pitch = np.deg2rad(np.clip(rng.normal(12, 9), -8, 35))
  lean = np.deg2rad(rng.normal(0, 1.5))
  # Columns of the product are right, up and forward.
  axes = turn(yaw) @ rotate_x(pitch) @ rotate_z(lean)
  frame = np.stack([axes[:, 0], -axes[:, 1], axes[:, 2]])
  view = np.deg2rad(rng.uniform(50, 75))
  return Camera(np.array([place[0], eye, place[1]]), frame, float(view))


def _clear(solids: trace.Solids, position: np.ndarray, distance: float) -> bool:
  """Return whether no solid is so near, by their bounding boxes."""
  offset = np.abs(solids.centre - position)
  return bool(
    np.all(np.any(offset > np.abs(solids.reach).sum(axis=1) + distance, axis=1))
  )


def _score(
  room: np.ndarray, solids: trace.Solids, labels: np.ndarray, camera: Camera
) -> float:
  hits = trace.look(room, solids, camera, _PROBE, tiny=True)
  counts = np.bincount(hits.surface.ravel(), minlength=len(labels))
  share = counts / counts.sum()
  seen = np.unique(labels[counts > 0])
  things = np.count_nonzero(counts[trace.FACES :])
  bare = share[np.isin(labels, (Kind.WALL, Kind.FLOOR, Kind.CEILING))].sum()
  close = max(0.0, 1.6 - float(np.median(hits.depth)))
  penalty = 4 * max(0.0, share.max() - 0.35) + 5 * max(0.0, bare - 0.45)
  return len(seen) + 0.08 * things - penalty - 4 * close
