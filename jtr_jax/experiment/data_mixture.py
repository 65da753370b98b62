"""The images of a run: the main data, and the sources mixed into it."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from jtr_jax.config import build
from jtr_jax.config.derive import MAIN_DATA
from jtr_jax.config.settings import Settings, SourceSettings
from jtr_jax.core import errors, hosts
from jtr_jax.data.classes.translation import Translation
from jtr_jax.data.label_splits import text_file
from jtr_jax.data.label_splits.scenarios import LabelSplit
from jtr_jax.data.loading import joint_tasks
from jtr_jax.data.loading import selection as selections
from jtr_jax.data.loading.selection import Images, Selection
from jtr_jax.data.records.manifest import Manifest, StoredForm
from jtr_jax.data.records.prepared import Dataset
from jtr_jax.experiment import source_classes, source_errors
from jtr_jax.experiment.source_classes import Meanings


@dataclasses.dataclass(frozen=True)
class Source:
  """One source of images.

  Attributes:
    name: `MAIN_DATA`, or its key in `data.sources`.
    settings: of the main data, or of the source.
    dataset: the prepared data.
    forms: for each task of the run, how its labels are stored.
    per_batch: images in every batch.
    wanted: tasks that its labels are taken for; () for all.
    given: labels in place of those of the settings.
    translations: what its class ids become.
  """

  name: str
  settings: SourceSettings
  dataset: Dataset
  forms: dict[str, StoredForm]
  per_batch: int
  wanted: tuple[str, ...] = ()
  given: LabelSplit | None = None
  translations: Mapping[str, Translation] = dataclasses.field(
    default_factory=dict
  )

  @property
  def tasks(self) -> tuple[str, ...]:
    """The tasks of the run that this source may have labels for."""
    wanted = self.wanted or tuple(self.dataset.manifest.tasks)
    return tuple(name for name in self.forms if name in wanted)

  @functools.cached_property
  def labels(self) -> LabelSplit | None:
    """Which labels the training may see; None if there are none at all."""
    if self.given or not self.tasks:
      return self.given
    return build.make_label_split(self.settings, self.dataset, self.tasks)

  @functools.cached_property
  def selection(self) -> Selection:
    """The images to train on."""
    return self._select(self.settings.images)

  @property
  def labelled(self) -> Selection:
    """The images with a label that the training may see."""
    return self._select("labelled")

  def _select(self, images: Images) -> Selection:
    split = self.settings.train_split
    shown = np.zeros(
      (self.dataset.manifest.split(split).size, len(self.forms)), np.bool_
    )
    if self.labels:
      columns = [list(self.forms).index(name) for name in self.tasks]
      shown[:, columns] = self.labels.labelled
    return selections.select(
      self.dataset,
      split,
      tuple(self.forms),
      shown,
      images=images,
      forms=self.forms,
      translations=self.translations,
    )

  @property
  def ids(self) -> Sequence[str]:
    """Sample ids of the images to train on."""
    (part,) = self.selection.parts
    return part.ids

  @property
  def size(self) -> int:
    """Number of images to train on."""
    return self.selection.size

  def knows(self, task: str) -> bool:
    """Return whether an image to train on has a label to see."""
    column = list(self.forms).index(task)
    return bool(self.selection.present[:, column].any())

  @property
  def evaluated(self) -> Selection | None:
    """The images to evaluate on, None for none."""
    split = self.settings.eval_split
    if not split:
      return None
    return selections.select(
      self.dataset,
      split,
      tuple(self.forms),
      forms=self.forms,
      translations=self.translations,
    )

  def in_run(self, task: str, label: np.ndarray | None) -> np.ndarray | None:
    """Return a stored label with the class ids of the run."""
    if label is None or task not in self.translations:
      return label
    return self.translations[task].apply(label, self.forms[task])

  def save_labels(self, folder: Path) -> None:
    """Write which labels may be seen as labels.tsv or labels_<name>.tsv."""
    suffix = "" if self.name == MAIN_DATA else f"_{self.name}"
    if self.labels:
      text_file.save_split(folder / f"labels{suffix}.tsv", self.labels)


@dataclasses.dataclass(frozen=True)
class Mixture:
  """All images of a run.

  Attributes:
    manifest: that of the main source, with the tasks of all.
    sources: the main one first.
    meanings: what the labels of sources with a vocabulary mean.
  """

  manifest: Manifest
  sources: tuple[Source, ...]
  meanings: Meanings = dataclasses.field(default_factory=dict)

  @property
  def main(self) -> Source:
    """The main data, which counts the epochs."""
    return self.sources[0]

  @property
  def tasks(self) -> tuple[str, ...]:
    """The tasks of the run, in order."""
    return tuple(self.main.forms)

  def with_labels(self, labels: LabelSplit) -> "Mixture":
    """Return the same with other labels of the main source."""
    main = dataclasses.replace(self.main, given=labels)
    return dataclasses.replace(self, sources=(main, *self.sources[1:]))

  @property
  def trained(self) -> tuple[Source, ...]:
    """The sources that are in every batch; others are only evaluated."""
    return tuple(source for source in self.sources if source.per_batch)

  @property
  def per_batch(self) -> tuple[int, ...]:
    """Images of each trained source in every batch."""
    return tuple(source.per_batch for source in self.trained)

  @functools.cached_property
  def selection(self) -> Selection:
    """The images to train on, source after source."""
    return selections.join([source.selection for source in self.trained])

  @property
  def evaluated(self) -> Selection:
    """The images to evaluate on.

    Raises:
      ValueError: there are none.
    """
    found = [source.evaluated for source in self.sources]
    images = [selection for selection in found if selection]
    if not images:
      raise source_errors.nothing_to_evaluate()
    return selections.join(images)

  @property
  def ids(self) -> Sequence[str]:
    """Sample ids of the images to train on."""
    if len(self.trained) == 1:
      return self.main.ids
    return tuple(
      identifier if source.name == MAIN_DATA else f"{source.name}:{identifier}"
      for source in self.trained
      for identifier in source.ids
    )


def open_sources(settings: Settings) -> Mixture:
  """Return the images of a run, preparing them if necessary.

  Args:
    settings: of the run.

  Raises:
    ValueError: data that is not there, or sources that do not fit together.
  """
  main, further = settings.data, settings.data.sources
  all_settings: dict[str, SourceSettings] = {MAIN_DATA: main, **further}
  wanted = {MAIN_DATA: (), **{name: own.tasks for name, own in further.items()}}
  per_batch = {
    MAIN_DATA: settings.train.batch_size,
    **{name: own.per_batch for name, own in further.items()},
  }
  datasets = {n: _open(n, own) for n, own in all_settings.items()}
  classes = source_classes.of_sources(
    all_settings,
    {
      name: _with_tasks(name, dataset.manifest, wanted[name])
      for name, dataset in datasets.items()
    },
  )
  manifest = dataclasses.replace(
    classes.manifests[MAIN_DATA],
    tasks=joint_tasks.join_tasks(classes.manifests),
  )
  names = build.task_names(settings.tasks, manifest)
  for name in all_settings:
    _require_use(name, wanted[name], names)
  forms = {name: manifest.form(name) for name in names}
  return Mixture(
    manifest,
    tuple(
      Source(
        name,
        own,
        datasets[name],
        forms,
        per_batch[name],
        wanted[name],
        translations=classes.translations[name],
      )
      for name, own in all_settings.items()
    ),
    classes.meanings,
  )


def _open(name: str, own: SourceSettings) -> Dataset:
  """Open or prepare a data set, the same on every machine."""
  dataset = hosts.primary_first(lambda: build.open_data(own))
  if not hosts.is_alone():
    hosts.require_equal(f"data {name!r}", dataset.manifest.digest)
  return dataset


def _with_tasks(
  source: str, manifest: Manifest, names: tuple[str, ...]
) -> Manifest:
  """Return a manifest with only some of its tasks, all if none are named."""
  if not names:
    return manifest
  for name in names:
    if name not in manifest.tasks:
      where = f"task in {manifest.name}, for source {source!r}"
      raise errors.unknown_name(where, name, manifest.tasks)
  return dataclasses.replace(
    manifest, tasks={name: manifest.tasks[name] for name in names}
  )


def _require_use(
  source: str, given: tuple[str, ...], names: tuple[str, ...]
) -> None:
  """Raise if a source is mixed in for tasks that the run does not have."""
  if given and not set(given) & set(names):
    raise ValueError(
      errors.message(
        f"Source {source!r} has no task of this run",
        found=f"tasks {given} of the source",
        expected=f"some of {names}",
        do=f"Leave it out, or change data.sources.{source}.tasks.",
      )
    )
