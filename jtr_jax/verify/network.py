"""Recordings of kind "network": outputs of published networks.

The weights are made by a rule from the names and shapes of the tensors, or are
those of a package; they pass through the import by published names.
"""

import zlib
from collections.abc import Iterator, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from jtr_jax.core import errors
from jtr_jax.models import published
from jtr_jax.models.base import Compute
from jtr_jax.pretrained import package
from jtr_jax.verify.comparison import (
  Quantity,
  RecordError,
  Recording,
  unusable,
)

_SCALES = ("weight", "gamma", "layer_scale", "lambda1")
_LEARNT_POINTS = ("token", "pos_embed", "position_embeddings")
_PUBLISHED = "published"
_EXACT, _ROUGH = 1e-5, 1e-3


def recompute(recording: Recording) -> Iterator[Quantity]:
  """Yield every recorded output.

  Args:
    recording: see the golden files' README, kind network.

  Returns:
    The outputs "eval/<name>" and "train/<name>", one at a time.

  Raises:
    RecordError: an array is missing or cannot be used.
    ValueError: an unknown network, or tensors that are not its own.
  """
  name = str(recording["network"])
  dtype = np.dtype(jnp.arange(1.0).dtype)
  tensors = _tensors(recording)
  shapes = {key: array.shape for key, array in tensors.items()}
  network = published.find(name, shapes, Compute(dtype))
  variables = published.load(name, tensors, dtype=dtype)
  image = recording["image"]
  if image.ndim != 4:
    raise unusable("image", found=image.shape, expected="[B, C, H, W]")
  images = jnp.asarray(image.transpose(0, 2, 3, 1), dtype)
  tolerance = _EXACT if dtype == np.float64 else _ROUGH
  run = jax.jit(network, static_argnames="train")
  for mode in ("eval", "train"):
    names = [key for key in recording if key.startswith(f"{mode}/")]
    if names:
      found = run(variables, images, train=mode == "train")
      for key in names:
        yield _output(recording, key, found, tolerance)


def _output(
  recording: Recording,
  key: str,
  found: Mapping[str, jax.Array],
  tolerance: float,
) -> Quantity:
  """Return a recorded output beside the recomputed one, channels first."""
  stage = key.split("/", 1)[1]
  if stage not in found:
    raise RecordError(str(errors.unknown_name("recorded output", stage, found)))
  actual = np.asarray(found[stage])
  if actual.ndim == 4:
    actual = actual.transpose(0, 3, 1, 2)
  return Quantity(key, recording[key], actual, tolerance)


def _tensors(recording: Recording) -> dict[str, np.ndarray]:
  """Return every floating-point tensor of the recorded network."""
  if "weights" in recording and str(recording["weights"]) == _PUBLISHED:
    return _published_tensors(str(recording["network"]))
  seed = int(recording["seed"])
  shapes = {
    str(name): tuple(int(n) for n in str(shape).split(",") if n)
    for name, shape in zip(recording["names"], recording["shapes"], strict=True)
  }
  return {
    name: recording[f"buffer/{name}"]
    if f"buffer/{name}" in recording
    else draw(name, shape, seed)
    for name, shape in shapes.items()
  }


def _published_tensors(name: str) -> dict[str, np.ndarray]:
  """Return the tensors of the package, if it has those of this network."""
  if name != package.NETWORK:
    raise RecordError(
      errors.message(
        "The published weights of this network are not available",
        found=name,
        expected=package.NETWORK,
        do="Use a recording with weights that are made by the rule.",
      )
    )
  return package.read().tensors


def draw(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
  """Return the tensor f64 that the recordings' rule derives from a name.

  Args:
    name: of the tensor; its checksum and the seed start the generator.
    shape: of the tensor.
    seed: of the recording.

  Returns:
    Kernels of unit gain, scales and variances around 1, the rest around 0.
  """
  random = np.random.default_rng(zlib.crc32(name.encode()) + seed)
  last = name.rsplit(".", 1)[-1]
  if last == "running_var":
    return random.uniform(0.5, 1.5, shape)
  if last == "running_mean":
    return 0.1 * random.standard_normal(shape)
  learnt_point = any(word in last for word in _LEARNT_POINTS)
  if len(shape) > 1 and not learnt_point:
    gain = 1 / np.sqrt(np.prod(shape[1:]))
    return gain * random.standard_normal(shape)
  if last in _SCALES:
    return random.uniform(0.5, 1.5, shape)
  return 0.1 * random.standard_normal(shape)
