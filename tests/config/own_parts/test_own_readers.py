"""Data readers from a user's own file."""

import pytest

from jtr_jax.config import (
  build,
)
from tests.config.own_parts.own_settings import rooms


def test_an_own_reader_prepares_what_it_lists(tmp_path):
  fields = (
    "data.name=my_lab:scan",
    f"data.directory={tmp_path / 'greys'}",
    f"data.raw={tmp_path}",
    "data.size=(32,32)",
    "data.train_count=0",
    "data.val_count=0",
    "tasks=depth",
  )
  settings = rooms(*fields, "data.brightness=7", arg="full")
  for _ in range(2):  # prepared, then found again
    dataset = build.open_data(settings.data)
    assert dataset.manifest.split("train").ids == ("a", "b")
  record = dataset.source("train")[0]
  assert int(record["image"].max()) == 7
  (task,) = build.make_tasks(settings.tasks, dataset.manifest)
  assert type(task).__name__ == "RelativeDepth"
  other = rooms(*fields, "data.brightness=8", arg="full")
  with pytest.raises(ValueError, match=r"brightness 7.*brightness 8"):
    build.open_data(other.data)
  with pytest.raises(ValueError, match="more than 0"):
    rooms(*fields, "data.brightness=0", arg="full")


def test_a_further_source_may_have_an_own_reader(tmp_path):
  settings = rooms(
    "data.sources.extended.name=my_lab:scan",
    "data.sources.extended.brightness=9",
    arg=f"full,extended={tmp_path}",
  )
  reader = settings.data.sources["extended"].reader
  assert (reader.name, reader.fields) == ("my_lab:scan", {"brightness": 9})
  assert settings.data.reader.name == "rooms"
