"""The data sets whose files can be read: one entry each."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path

from jtr_jax.data.datasets import (
  cifar,
  cityscapes,
  folder,
  nyu_depth,
  nyud,
  nyuv2,
  pascal,
  taskonomy,
  voc,
)
from jtr_jax.data.datasets.raw import RawDataset, RawParts


@dataclasses.dataclass(frozen=True)
class Reader:
  """How the files of one data set are found.

  Attributes:
    scan: (raw, *, on_problem, **options) -> its files, listed.
    is_here: (raw) -> whether such files lie at a path.
    obtain: what a user has to do first.
    automatic: whether a training run may prepare it by itself.
  """

  scan: Callable[..., RawDataset | RawParts]
  is_here: Callable[[Path], bool]
  obtain: str
  automatic: bool = False

  @property
  def title(self) -> str:
    """The first line of the module that has `scan`."""
    text = inspect.getdoc(inspect.getmodule(self.scan)) or ""
    return text.partition("\n")[0]

  @property
  def options(self) -> Mapping[str, inspect.Parameter]:
    """The options of `scan`, by name."""
    parameters = inspect.signature(self.scan).parameters
    own = {n: p for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    return {n: p for n, p in own.items() if n != "on_problem"}


READERS: Mapping[str, Reader] = {
  "folder": Reader(
    folder.scan,
    folder.is_here,
    "Lay your files out as ROOT/{train,val}/{image,<task>}/<id>.png, "
    "jpg, npy or tif, and tell the root: raw=ROOT",
    automatic=True,
  ),
  "nyuv2": Reader(
    nyuv2.scan,
    nyuv2.is_here,
    "Download the nyuv2 folders linked in "
    "https://github.com/lorenmt/mtan, or the official files: "
    + ", ".join(nyuv2.OFFICIAL_FILES),
  ),
  "cityscapes": Reader(cityscapes.scan, cityscapes.is_here, cityscapes.OBTAIN),
  "taskonomy": Reader(taskonomy.scan, taskonomy.is_here, taskonomy.OBTAIN),
  "pascal": Reader(pascal.scan, pascal.is_here, pascal.OBTAIN),
  "nyud": Reader(nyud.scan, nyud.is_here, nyud.OBTAIN),
  "nyu_depth": Reader(nyu_depth.scan, nyu_depth.is_here, nyu_depth.OBTAIN),
  "voc": Reader(voc.scan, voc.is_here, voc.OBTAIN),
  "cifar": Reader(cifar.scan, cifar.is_here, cifar.OBTAIN),
}
