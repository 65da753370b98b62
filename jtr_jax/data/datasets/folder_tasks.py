"""How the numbers in the label files of a folder are read."""

import dataclasses
from pathlib import Path

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.records.stored_form import TaskOptions, stored_form

_MILLIMETRES = 1000.0  # nothing is a kilometre away in the median
_FARTHEST = 1e6  # no camera sees farther; squares stay finite
_UNIT_LENGTH_ERROR = 0.2
_SHORT = 0.5  # a coded zero vector has length 0.007, a unit vector about 1


@dataclasses.dataclass(frozen=True)
class FolderTask:
  """How the numbers in the files of one task are to be read.

  Attributes:
    name: the task; its files are in the folder of this name.
    kind: one of `manifest.KINDS`.
    classes: their names, for the kinds that have some.
    colours: of the classes, where files hold colours in place of ids.
    ignore: stored numbers that mean none; negative class ids always do.
    scale: value = stored number * scale.
    invalid: stored number without meaning, in addition to NaN and infinity.
    channels: numbers of a pixel, or of an image.
    unit: unit of the values after scaling.
    scales: fields of the task for its values: `joint_mean`, `joint_std` and
      `picture_range`, in that unit; what is left out is as the kind has it.
    own: `task`, the user's own class, and its keyword arguments; empty for the
      class of the kind.
    threshold: stored numbers above it mean yes.
    grid: rows and columns of distributions, (1, 1) for one an image; () for one
      a pixel.
    top: how many classes of a distribution are stored; 0: all.
  """

  name: str
  kind: str
  classes: tuple[str, ...] = ()
  colours: tuple[tuple[int, ...], ...] = ()
  ignore: tuple[int, ...] = ()
  scale: float = 1.0
  invalid: float | None = None
  channels: int = 1
  unit: str = ""
  scales: TaskOptions = dataclasses.field(default_factory=dict)
  own: TaskOptions = dataclasses.field(default_factory=dict)
  threshold: float = 0.0
  grid: tuple[int, ...] = ()
  top: int = 0

  @property
  def options(self) -> TaskOptions:
    """The manifest's entry of the task."""
    options: TaskOptions = {"kind": self.kind}
    if self.classes:
      options["classes"] = list(self.classes)
    options |= {**self.scales, **self.own}
    if self.kind in ("regression", "scalar"):
      options["channels"] = self.channels
    options |= {"grid": list(self.grid)} if self.grid else {}
    options |= {"top": self.top} if self.top else {}
    return options | ({"unit": self.unit} if self.unit else {})

  def decode(self, stored: np.ndarray, path: Path) -> np.ndarray:
    """Return a label in stored form from the numbers in a file.

    Args:
      stored: [H, W] or [H, W, C].
      path: the file, for error messages.

    Returns:
      int8 or int16 [H, W] class ids with -1 for none, or f32 (depth) or f16
      [H, W, C] values with NaN for none.

    Raises:
      ValueError: naming the file, if the numbers cannot be such a label.
    """
    if stored.dtype == np.bool_:
      stored = self._of_truth(stored, path)
    if self.colours:
      return self._class_colours(stored, path)
    channels = {"normals": 3, "regression": self.channels}.get(self.kind, 1)
    values = stored[..., None] if stored.ndim == 2 else stored
    if values.shape[-1] != channels:
      found = f"{values.shape[-1]} channels"
      do = "Convert this file."
      if self.kind == "segmentation" and values.shape[-1] == 3:
        do = "Give the colour of each class as `colours`, or convert this file."
      raise self._error(path, found, f"{channels}", do)
    if self.classes:
      return self._class_ids(values[..., 0], path)
    if self.kind == "normals":
      return self._normals(values, path)
    return self._values(values, path)

  def _of_truth(self, stored: np.ndarray, path: Path) -> np.ndarray:
    """Return truth values as numbers, where these can mean something."""
    if self.kind in ("segmentation", "regression"):
      return stored.astype(np.uint8)
    do = "Convert this file; a mask is no label."
    raise self._error(path, "true and false", "numbers", do)

  def _class_colours(self, stored: np.ndarray, path: Path) -> np.ndarray:
    """Return the ids of the classes that colours stand for."""
    if stored.ndim != 3 or stored.shape[-1] != 3 or stored.dtype != np.uint8:
      found = f"{stored.dtype}{list(stored.shape)}"
      raise self._error(path, found, "u8 [H, W, 3]", "Convert this file.")
    code = lambda rgb: (rgb.astype(np.int64) @ [65536, 256, 1]).astype(np.int64)
    known = code(np.array(self.colours))
    order = np.argsort(known)
    codes = code(stored)
    place = np.searchsorted(known[order], codes).clip(max=len(known) - 1)
    ids = order[place]
    strange = codes != known[ids]
    if strange.any():
      colour = stored[strange][0].tolist()
      raise self._error(
        path,
        f"the colour {colour} ({int(strange.sum())} pixels with others)",
        "the colours of the classes alone",
        "List every colour in `colours`; PNG keeps them, JPEG does not.",
      )
    return self._class_ids(ids, path)

  def _class_ids(self, stored: np.ndarray, path: Path) -> np.ndarray:
    ids = stored.astype(np.int64)
    if stored.dtype.kind == "f" and not np.array_equal(ids, stored):
      raise self._error(
        path, "fractions", "whole class ids", "Do not interpolate labels."
      )
    ids[np.isin(ids, self.ignore)] = -1
    ids = np.maximum(ids, -1)
    last = len(self.classes) - 1
    beyond = ids[ids > last]
    if beyond.size:
      raise self._error(
        path,
        f"class id {beyond.max()} ({beyond.size} pixels with ids above {last})",
        f"0 to {last}, or {list(self.ignore)} to ignore",
        f"List every class of {self.name!r}, or give `ignore`.",
      )
    form = stored_form(self.name, self.options, ids.shape[:2])
    return ids.astype(form.dtype)

  def _normals(self, stored: np.ndarray, path: Path) -> np.ndarray:
    normals: np.ndarray = stored.astype(np.float32)
    if stored.dtype.kind == "u":
      normals = 2 * normals / np.iinfo(stored.dtype).max - 1
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    valid = np.isfinite(length) & (length > _SHORT)
    error = np.median(np.abs(length[valid] - 1)) if valid.any() else 0
    if error > _UNIT_LENGTH_ERROR:
      raise self._error(
        path,
        f"vectors of median length {np.median(length[valid]):.3g}",
        "unit vectors, as floats in [-1, 1] or u8 with n = 2 v / 255 - 1",
        "Convert this file.",
      )
    unit = normals / np.where(valid, length, 1)
    return np.where(valid, unit, np.nan).astype(np.float16)

  def _values(self, stored: np.ndarray, path: Path) -> np.ndarray:
    with np.errstate(over="ignore"):
      values: np.ndarray = stored.astype(np.float32)
    valid = np.isfinite(values)
    lost = np.isfinite(stored) & ~valid
    if lost.any():
      raise self._error(
        path,
        f"{stored[lost][0]:g} ({int(lost.sum())} pixels beyond float32)",
        "numbers below 3e38",
        "Write NaN, or the number of `invalid`, where there is no value.",
      )
    if self.invalid is not None:
      valid &= stored != self.invalid
    scaled = values * np.float32(self.scale)
    values = np.where(valid, scaled, np.float32(np.nan))
    if self.kind == "regression":
      self._check_half(values, path)
      return values.astype(np.float16)
    self._check_depth(values[valid], path)
    return values

  def _check_half(self, values: np.ndarray, path: Path) -> None:
    largest = np.nanmax(np.abs(values), initial=0)
    if largest > np.finfo(np.float16).max:
      raise self._error(
        path, f"{largest:g}", "at most 65504", "Give a smaller `scale`."
      )

  def _check_depth(self, valid: np.ndarray, path: Path) -> None:
    if valid.size and valid.min() < 0:
      raise self._error(
        path,
        f"negative values, down to {valid.min():g}",
        "distances",
        "Give the code for none as `invalid`.",
      )
    if valid.size and valid.max() > _FARTHEST:
      raise self._error(
        path,
        f"a value of {valid.max():g} after scaling by {self.scale:g}",
        f"at most {_FARTHEST:g}",
        "Write 0 or NaN where there is no value, or give the code for none as "
        "`invalid`.",
      )
    if valid.size and self.kind == "depth" and np.median(valid) > _MILLIMETRES:
      raise self._error(
        path,
        f"a median of {np.median(valid):g} m after scaling by {self.scale:g}",
        "metres; this looks like millimetres",
        "Set scale=0.001, or what makes metres of the stored numbers.",
      )

  def _error(
    self, path: Path, found: str, expected: str, do: str
  ) -> ValueError:
    what = f"{path} is no label for {self.name!r} ({self.kind})"
    return ValueError(
      errors.message(what, found=found, expected=expected, do=do)
    )
