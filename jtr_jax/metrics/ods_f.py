"""Boundary F measure at the best scale of a data set (odsF), as published.

    python -m jtr_jax.metrics.ods_f PREDICTIONS EDGES [--max_dist=0.0075]

Both are folders of images (or .npy files) with the same names: predictions as
8 or 16 bits or floats in [0, 1], true edges as non-zero pixels. At each
threshold predicted edges are thinned, then predicted and true pixels within a
distance are matched one to one; counts are added up over all images, and the F
measure of the best threshold is the result. An image of 375x500 pixels takes
about two seconds of one core.

Source: Martin, Fowlkes, Malik 2004; released BSDS code (`boundaryPR.m`,
  `correspondPixels.m`): 99 thresholds, 0.0075 of the diagonal.
Deviations: `correspondPixels` looks for the cheapest of the largest matchings,
  here it is any largest one: the counts are the same. F is not interpolated
  between thresholds.
"""

import argparse
import concurrent.futures
import functools
import math
import multiprocessing
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jtr_jax.core import commands, errors
from jtr_jax.core.commands import exit_code

THRESHOLDS = tuple(k / 100 for k in range(1, 100))
MAX_DIST = 0.0075
"""How far apart partners may be, as a fraction of the image's diagonal."""

_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy")


class Counts(NamedTuple):
  """Edge pixels at each threshold, i64[T]; those of images add up.

  Attributes:
    matched: pairs of a predicted and a true pixel.
    predicted: predicted pixels after thinning.
    true: true pixels.
  """

  matched: np.ndarray
  predicted: np.ndarray
  true: np.ndarray


class BestScale(NamedTuple):
  """The result for a data set.

  Attributes:
    f: harmonic mean of precision and recall at the best threshold.
    precision: fraction of predicted pixels that have a partner.
    recall: fraction of true pixels that have one.
    threshold: the best one.
  """

  f: float
  precision: float
  recall: float
  threshold: float


def boundary_counts(
  prediction: np.ndarray,
  truth: np.ndarray,
  *,
  thresholds: Sequence[float] = THRESHOLDS,
  max_dist: float = MAX_DIST,
) -> Counts:
  """Count predicted, true and matched edge pixels of one image.

  Args:
    prediction: f[H, W] in [0, 1].
    truth: bool[H, W].
    thresholds: an edge is predicted where the prediction is at least this.
    max_dist: fraction of the image's diagonal.

  Returns:
    The counts.
  """
  radius = max_dist * math.hypot(*truth.shape)
  matched, predicted = [], []
  for threshold in thresholds:
    edges = thin(prediction >= threshold)
    predicted.append(int(edges.sum()))
    matched.append(largest_matching(edges, truth, radius))
  true = np.full(len(thresholds), int(truth.sum()), np.int64)
  return Counts(
    np.array(matched, np.int64), np.array(predicted, np.int64), true
  )


def best_scale(
  counts: Counts, thresholds: Sequence[float] = THRESHOLDS
) -> BestScale:
  """Return odsF from the counts of all images, added up."""
  precision = counts.matched / np.maximum(counts.predicted, 1)
  recall = counts.matched / np.maximum(counts.true, 1)
  both = precision + recall
  f = 2 * precision * recall / np.where(both > 0, both, 1)
  best = int(f.argmax())
  return BestScale(
    float(f[best]),
    float(precision[best]),
    float(recall[best]),
    thresholds[best],
  )


def largest_matching(
  edges: np.ndarray, truth: np.ndarray, radius: float
) -> int:
  """Return how many pixels of two maps can be paired, one with one.

  Args:
    edges: bool[H, W].
    truth: bool[H, W].
    radius: largest distance of a pair, pixels.
  """
  from scipy import sparse  # of the extra "program"
  from scipy.sparse import csgraph

  if not edges.any() or not truth.any():
    return 0
  reach = math.floor(radius)
  number = np.full(np.add(truth.shape, 2 * reach), -1, np.int32)
  inner = number[reach : reach + len(truth), reach : reach + truth.shape[1]]
  inner[truth] = np.arange(truth.sum())
  rows, columns = np.nonzero(edges)
  sources, partners = [], []
  for dy in range(-reach, reach + 1):
    for dx in range(-reach, reach + 1):
      if dy * dy + dx * dx <= radius * radius:
        near = number[rows + reach + dy, columns + reach + dx]
        here = np.flatnonzero(near >= 0)
        sources.append(here)
        partners.append(near[here])
  pair = (np.concatenate(sources), np.concatenate(partners))
  graph = sparse.csr_array(
    (np.ones(len(pair[0]), np.int8), pair), (len(rows), int(truth.sum()))
  )
  found = csgraph.maximum_bipartite_matching(graph, perm_type="column")
  return int((found >= 0).sum())


def thin(edges: np.ndarray) -> np.ndarray:
  """Return bool[H, W]: lines of one pixel where there were thicker ones.

  Source: Lam, Lee, Suen 1992, the two-pass algorithm of MATLAB's
    `bwmorph(edges, 'thin', Inf)`.
  """
  padded = np.pad(edges.astype(bool), 1)
  while True:
    before = padded.copy()
    for half in (0, 1):
      padded[1:-1, 1:-1] &= ~_removable(padded, half)
    if np.array_equal(before, padded):
      return padded[1:-1, 1:-1].copy()


def _removable(padded: np.ndarray, half: int) -> np.ndarray:
  """Return which pixels one half of a pass may take away."""
  height, width = padded.shape
  shifts = (
    (0, 1),
    (-1, 1),
    (-1, 0),
    (-1, -1),
    (0, -1),
    (1, -1),
    (1, 0),
    (1, 1),
  )
  x = [
    padded[1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx]
    for dy, dx in shifts  # from the east, counterclockwise
  ]
  crossings = sum(
    (~x[i] & (x[i + 1] | x[(i + 2) % 8])).astype(np.int8) for i in (0, 2, 4, 6)
  )
  pairs = sum((x[i] | x[i + 1]).astype(np.int8) for i in (0, 2, 4, 6))
  others = sum(
    (x[i + 1] | x[(i + 2) % 8]).astype(np.int8) for i in (0, 2, 4, 6)
  )
  fewest = np.minimum(pairs, others)
  if half == 0:
    side = (x[1] | x[2] | ~x[7]) & x[0]
  else:
    side = (x[5] | x[6] | ~x[3]) & x[4]
  return (crossings == 1) & (fewest >= 2) & (fewest <= 3) & ~side


def main(arguments: Sequence[str] | None = None) -> int:
  """Print odsF of a folder of predictions."""
  parser = commands.Parser(
    prog="python -m jtr_jax.metrics.ods_f", description=(__doc__ or "")[:68]
  )
  parser.add_argument("predictions", type=Path)
  parser.add_argument("edges", type=Path)
  parser.add_argument("--max_dist", type=float, default=MAX_DIST)
  return exit_code(_print, parser.parse_args(arguments))


def _print(given: argparse.Namespace) -> int:
  result = ods_f_of_folders(given.predictions, given.edges, given.max_dist)
  sys.stdout.write(
    f"odsF {result.f:.4f}, precision {result.precision:.4f}, "
    f"recall {result.recall:.4f} at threshold {result.threshold:.2f}\n"
  )
  return 0


def ods_f_of_folders(
  predictions: Path, edges: Path, max_dist: float = MAX_DIST
) -> BestScale:
  """Return odsF of the images that two folders share by name; all cores work.

  Raises:
    ValueError: naming an image that only one folder has, or of another size.
  """
  guesses, truths = _by_stem(predictions), _by_stem(edges)
  odd = sorted(set(guesses) ^ set(truths))
  if odd or not guesses:
    raise ValueError(
      errors.message(
        f"{predictions} and {edges} do not hold the same images",
        found=f"{odd[0]} in one of them" if odd else "no image",
        expected="a prediction and true edges for each image",
        do="Give folders whose files have the same names.",
      )
    )
  pairs = [(guesses[stem], truths[stem]) for stem in sorted(guesses)]
  count = functools.partial(_counts_of_files, max_dist=max_dist)
  spawn = multiprocessing.get_context("spawn")
  with concurrent.futures.ProcessPoolExecutor(mp_context=spawn) as pool:
    found = list(pool.map(count, pairs))
  sums = (np.sum(parts, axis=0) for parts in zip(*found, strict=True))
  return best_scale(Counts(*sums))


def _by_stem(folder: Path) -> dict[str, Path]:
  return {
    path.stem: path
    for path in folder.iterdir()
    if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")
  }


def _counts_of_files(paths: tuple[Path, Path], max_dist: float) -> Counts:
  prediction, truth = (_read(path) for path in paths)
  if prediction.shape != truth.shape:
    raise ValueError(
      errors.message(
        f"{paths[0]} has another size than its edges",
        found=f"{prediction.shape}",
        expected=f"{truth.shape} as {paths[1]}",
        do="Predict at the size of the edges.",
      )
    )
  return boundary_counts(prediction, truth > 0, max_dist=max_dist)


def _read(path: Path) -> np.ndarray:
  """Return f64[H, W] in [0, 1]."""
  if path.suffix.lower() == ".npy":
    values = np.load(path, allow_pickle=False)
  else:
    from PIL import Image  # of the extra "program"

    with Image.open(path) as picture:
      values = np.asarray(picture)
  if values.ndim != 2:
    raise ValueError(
      errors.message(
        f"{path} is not a map of edges",
        found=f"an array {list(values.shape)}",
        expected="[H, W]",
        do="Store one grey value a pixel.",
      )
    )
  top = np.iinfo(values.dtype).max if values.dtype.kind in "iu" else 1
  return values.astype(np.float64) / top


if __name__ == "__main__":
  sys.exit(main())
