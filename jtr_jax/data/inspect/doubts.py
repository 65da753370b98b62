"""What is probably not meant in a data set that can be read all the same."""

import collections
import zlib

import numpy as np

from jtr_jax.data.inspect.contents import Contents
from jtr_jax.data.records.checked_rows import Arrays
from jtr_jax.data.records.stored_form import TaskOptions

_SHOWN = 3
_FAR, _NEAR = 1000.0, 0.1  # metres
_DISTANCES = ("depth", "inverse_depth")
_OFF = 3.0  # standard deviations of the joint encoding
_MANY_PIXELS = 100


class Doubts:
  """Looks at examples one after the other, and remembers what is odd.

  Every doubt is told once, with a count and the first images it is about.
  """

  def __init__(self, contents: Contents) -> None:
    """Begin, with what the listing of the files has found already."""
    self._tasks = contents.tasks
    self._known = list(contents.doubts)
    self._found: dict[str, list[str]] = collections.defaultdict(list)
    self._labelled: dict[tuple[str, str], int] = collections.Counter()
    self._images: dict[int, tuple[str, str]] = {}
    self._sizes: dict[tuple[int, int], list[str]] = collections.defaultdict(
      list
    )
    self._values: dict[str, list[tuple[float, float]]] = {}
    self._counts = contents.counts

  def see(self, split: str, identifier: str, arrays: Arrays) -> None:
    """Look at one example."""
    place = f"{split}/{identifier}"
    image = arrays.get("image")
    if image is not None:
      self._see_image(split, place, image)
    for name, task in self._tasks.items():
      label = arrays.get(name)
      if label is not None:
        self._labelled[split, name] += 1
        self._see_label(name, task, place, label)

  def lines(self) -> list[str]:
    """Return the doubts, a line each."""
    found = [*self._known]
    if len(self._sizes) > 1:
      sizes = "; ".join(
        f"{h}x{w}: {_some(ids)}" for (h, w), ids in self._sizes.items()
      )
      found.append(f"images have different sizes, give --size ({sizes})")
    found += [f"{what}: {_some(ids)}" for what, ids in self._found.items()]
    for name, task in self._tasks.items():
      found += [
        f"no image of {split} has a label for {name!r}: its metrics will be nan"
        for split, count in self._counts.items()
        if count and not self._labelled[split, name]
      ]
      found += _of_values(name, task, self._values.get(name, []))
    return found

  def _see_image(self, split: str, place: str, image: np.ndarray) -> None:
    self._sizes[image.shape[0], image.shape[1]].append(place)
    code = zlib.crc32(np.ascontiguousarray(image).tobytes())
    other, first = self._images.setdefault(code, (split, place))
    if first != place:
      where = "in two splits" if other != split else "twice in a split"
      self._found[f"the same picture is {where}"].append(f"{first} = {place}")

  def _see_label(
    self, name: str, task: TaskOptions, place: str, label: np.ndarray
  ) -> None:
    known = label >= 0 if label.dtype.kind == "i" else np.isfinite(label)
    valid = np.atleast_3d(known).all(axis=-1)
    if not valid.any():
      self._found[f"labels of {name!r} without a valid pixel"].append(place)
      return
    values = label[valid].astype(np.float64)
    if task["kind"] in _DISTANCES:
      if task["kind"] == "depth" and values.max() > _FAR:
        what = f"labels of {name!r} with values beyond {_FAR:g} m"
        self._found[what].append(place)
      median = float(np.median(values))
      self._values.setdefault(name, []).append((median, float(values.mean())))
    if task["kind"] == "normals" and values.shape[0] >= _MANY_PIXELS:
      self._values.setdefault(name, []).append((float(values.min()), 0.0))


def _of_values(
  name: str, task: TaskOptions, values: list[tuple[float, float]]
) -> list[str]:
  """Return doubts about all labels of a task together."""
  if not values:
    return []
  firsts, means = np.array(values).T
  if task["kind"] == "normals" and firsts.min() >= 0:
    return [
      f"no normal of {name!r} has a negative component: floats are read as "
      "they are, so codes in [0, 1] have to be converted, n = 2 v - 1"
    ]
  found = []
  if task["kind"] == "depth" and np.median(firsts) < _NEAR:
    found.append(
      f"half of the labels of {name!r} have medians below {_NEAR:g} m: is "
      "`scale` that of millimetres, and the files hold metres?"
    )
  mean, std = task.get("joint_mean"), task.get("joint_std")
  if mean and std and abs(means.mean() - mean) > _OFF * std:
    found.append(
      f"the mean of {name!r} is {means.mean():.4g}, joint_mean {mean:g} with "
      f"joint_std {std:g}: the joint encoding presses all of it to one end"
    )
  return found


def _some(places: list[str]) -> str:
  more = ", ..." if len(places) > _SHOWN else ""
  return f"{len(places)}, {', '.join(places[:_SHOWN])}{more}"
