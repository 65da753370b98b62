"""A prepared data set on disk, and random access to its records."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from jtr_jax.core import errors
from jtr_jax.data.records.manifest import Manifest


class Records(Protocol):
  """Random access to the records of one split."""

  def __len__(self) -> int:
    """Return the number of images."""

  def __getitem__(self, index: int) -> dict[str, Any]:
    """Return `image`, `id` and for each task the stored label or None."""


@dataclasses.dataclass(frozen=True)
class Dataset:
  """A prepared data set on disk.

  Attributes:
    directory: of the records.
    manifest: what it says about itself.
  """

  directory: Path
  manifest: Manifest

  def source(self, split: str, tasks: Sequence[str] | None = None) -> "Records":
    """Return random access to the records of one split.

    Args:
      split: its name.
      tasks: the tasks whose labels are read; None for all.
    """
    return Source(self.directory, split, self.manifest, tasks)


class BrokenRecordError(ValueError):
  """A record that cannot be read, with the file that holds it.

  Attributes:
    file: name of the array_record file.
    index: position of the record in its split.
    reason: what is wrong.
  """

  def __init__(self, file: Path, split: str, index: int, reason: str) -> None:
    self.file, self.split, self.index, self.reason = file, split, index, reason
    super().__init__(
      errors.message(
        f"Record {index} of split {split!r} cannot be read",
        found=f"{file}: {reason}",
        expected="an unchanged array_record file",
        do="Copy the file again or prepare the data set again; "
        f"`python -m jtr_jax.data verify {file.parent}` names all that broke.",
      )
    )

  def __reduce__(self) -> tuple[Any, ...]:
    return type(self), (self.file, self.split, self.index, self.reason)


class Source:
  """Random access to one split; small when pickled, opened when first read."""

  def __init__(
    self,
    directory: Path,
    split: str,
    manifest: Manifest,
    tasks: Sequence[str] | None = None,
  ) -> None:
    found = manifest.split(split)
    self._directory = directory
    self._split = split
    self._ids = found.ids
    self._labelled = {
      name: column
      for name, column in found.labelled.items()
      if tasks is None or name in tasks
    }
    self._records: Any = None
    self._features: Any = None

  def __len__(self) -> int:
    return len(self._ids)

  def __getstate__(self) -> dict[str, Any]:
    return {**self.__dict__, "_records": None, "_features": None}

  def __getitem__(self, index: int) -> dict[str, Any]:
    """Return `image`, `id` and for each task the stored label or None."""
    if not 0 <= index < len(self):
      raise IndexError(f"record {index} of {len(self)}")
    try:
      raw = self._open().data_source[index]
      record = self._features.deserialize_example_np(raw)
    except Exception as e:  # TFDS and its readers raise many kinds
      raise self._broken(index, " ".join(str(e).split())[:300]) from e
    found = record["id"].decode()
    if found != self._ids[index]:
      reason = f"it holds {found!r}, the manifest says {self._ids[index]!r}"
      raise self._broken(index, reason)
    labels = {name: _or_none(record[name]) for name in self._labelled}
    for name, label in labels.items():
      if (label is not None) != self._labelled[name][index]:
        reason = f"whether {name} is labelled is not what the manifest says"
        raise self._broken(index, reason)
    return {"image": record["image"], "id": found, **labels}

  def _open(self) -> Any:
    if self._records is None:
      import tensorflow_datasets as tfds

      builder = tfds.builder_from_directory(str(self._directory))
      records = builder.as_data_source(split=self._split)
      if len(records) != len(self):
        raise ValueError(f"{len(records)} records for {len(self)} ids")
      wanted = ("id", "image", *self._labelled)
      self._features = tfds.features.FeaturesDict(
        {name: builder.info.features[name] for name in wanted}
      )
      self._records = records
    return self._records

  def _broken(self, index: int, reason: str) -> BrokenRecordError:
    file = self._file_of(index)
    return BrokenRecordError(file, self._split, index, reason)

  def _file_of(self, index: int) -> Path:
    if self._records is None:
      return self._directory / "dataset_info.json"
    files = self._records.dataset_info.splits[self._split].file_instructions
    ends = np.cumsum([file.take for file in files])
    return Path(files[int(np.searchsorted(ends, index, side="right"))].filename)


def _or_none(label: np.ndarray) -> np.ndarray | None:
  return label if label.shape[0] else None
