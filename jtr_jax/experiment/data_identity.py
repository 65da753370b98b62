"""What tells the data of a run from other data: a part of config.json."""

import zlib
from collections.abc import Sequence
from typing import Any

from jtr_jax.experiment.data_mixture import Mixture, Source


def of_mixture(data: Mixture) -> dict[str, Any]:
  """Return sizes, forms of labels and images of every source, by its name."""
  return {source.name: _of_source(source) for source in data.sources}


def _of_source(source: Source) -> dict[str, Any]:
  manifest, settings = source.dataset.manifest, source.settings
  splits = dict.fromkeys((settings.train_split, settings.eval_split))
  return {
    "name": manifest.name,
    "size": list(manifest.size),
    "tasks": {
      task: f"{form.dtype}{list(form.shape)}"
      for task, form in source.forms.items()
    },
    "images": {
      split: _of_ids(manifest.split(split).ids) for split in splits if split
    },
  }


def _of_ids(ids: Sequence[str]) -> str:
  """Return the number of images, and a checksum of their names in order."""
  return f"{len(ids)} (ids {zlib.crc32(chr(10).join(ids).encode()):08x})"
