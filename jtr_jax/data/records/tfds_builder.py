"""The TFDS builder that writes examples to array_record, without TensorFlow."""

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from jtr_jax.data.records.stored_form import StoredForm

Row = dict[str, Any]

SHARD_BYTES = 256 << 20  # TFDS holds the rows of one shard in memory


class SplitRows(NamedTuple):
  """The rows of one split.

  Attributes:
    rows: id, image and labels.
    size: how many there will be.
  """

  rows: Iterable[Row]
  size: int


class Records(tfds.core.ShardBasedBuilder):
  """Writes rows of image, id and one label for each task, in their order.

  TFDS cannot decode an absent optional tensor, so an image without a label has
  one of height 0 in its record. Its `GeneratorBasedBuilder` would need
  TensorFlow for a split of more than 1000 MiB.
  """

  VERSION = tfds.core.Version("1.0.0")

  def __init__(
    self,
    *,
    forms: dict[str, StoredForm],
    splits: dict[str, SplitRows],
    data_dir: str,
  ) -> None:
    self._forms = forms
    self._splits = splits
    super().__init__(data_dir=data_dir, file_format="array_record")

  def _info(self) -> tfds.core.DatasetInfo:
    features = {name: _feature(form) for name, form in self._forms.items()}
    return tfds.core.DatasetInfo(
      builder=self,
      features=tfds.features.FeaturesDict(
        {"id": tfds.features.Text(), **features}
      ),
      disable_shuffling=True,  # the order of the manifest's ids
    )

  def _shard_iterators_per_split(
    self, dl_manager: tfds.download.DownloadManager
  ) -> dict[str, list[Callable[[], Iterator[tuple[int, Row]]]]]:
    del dl_manager  # nothing is downloaded
    row_bytes = sum(form.nbytes for form in self._forms.values())
    in_shard = max(1, SHARD_BYTES // row_bytes)
    found = {}
    for split, (rows, size) in self._splits.items():
      keyed = enumerate(map(self._filled, rows))
      shards = max(1, math.ceil(size / in_shard))
      take = functools.partial(itertools.islice, keyed, in_shard)
      rest = functools.partial(iter, keyed)
      found[split] = [take] * (shards - 1) + [rest]
    return found

  def _filled(self, row: Row) -> Row:
    labels = {
      name: _without_rows(form) if row[name] is None else row[name]
      for name, form in self._forms.items()
    }
    return {"id": row["id"], **labels}


def _feature(form: StoredForm) -> tfds.features.Tensor:
  """Return whether to compress: whole numbers shrink 20-fold, floats do not."""
  return tfds.features.Tensor(
    shape=(None, *form.shape[1:]),
    dtype=form.dtype,
    encoding="zlib" if form.is_whole else "bytes",
  )


def _without_rows(form: StoredForm) -> np.ndarray:
  return np.zeros((0, *form.shape[1:]), form.dtype)
