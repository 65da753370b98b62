"""The label split of a run: drawn, or from a file, and what else is hidden."""

import numpy as np
import pytest

from jtr_jax.data.label_splits import resolve, scenarios, text_file
from jtr_jax.data.records import mapped_ids
from tests.tensor_files import handmade_pickles as handmade

N, TASKS = 20, ("segmentation", "depth", "normals")
IDS = tuple(map(str, range(N)))
ROWS = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 0]] * 5, np.float32)


def resolved(scenario, file="", seed=0):
  return resolve.make_or_read(
    IDS,
    TASKS,
    scenario=scenario,
    scenario_tasks=TASKS,
    seed=seed,
    file=str(file),
  )


@pytest.fixture(params=["released", "text"])
def file(request, tmp_path):
  if request.param == "released":
    path = tmp_path / "randomlabels.pth"
    path.write_bytes(handmade.torch_file({"labels_weights": ROWS}))
    return path
  path = tmp_path / "randomlabels.txt"
  text_file.save_split(path, scenarios.LabelSplit(IDS, TASKS, ROWS == 1))
  return path


def test_a_file_takes_the_place_of_what_is_drawn(file):
  split = resolved("onelabel", file)
  np.testing.assert_array_equal(split.labelled, ROWS == 1)
  assert split.about["scenario"] == file.name


@pytest.mark.parametrize("percent", [30, 50])
def test_images_lose_all_labels_of_a_file_too(file, percent):
  """JTR, Table 4: the released labels, of which x % of the images lose all."""
  split = resolved(f"randomlabels+unlabelled{percent}", file)
  hidden = ~split.labelled.any(axis=1)
  assert hidden.sum() == N * percent // 100
  np.testing.assert_array_equal(split.labelled[~hidden], (ROWS == 1)[~hidden])
  drawn = resolved(f"full+unlabelled{percent}")
  np.testing.assert_array_equal(hidden, ~drawn.labelled.any(axis=1))
  assert split.about["scenario"] == f"{file.name}+unlabelled{percent}"
  other = resolved(f"randomlabels+unlabelled{percent}", file, seed=1)
  assert (other.labelled != split.labelled).any()


def test_splits_of_many_images_are_drawn_once(tmp_path, monkeypatch):
  ids, tasks = tuple(f"image {n}" for n in range(9)), ("a", "b", "c")

  def draw(own=ids, scenario="onelabel", seed=3):
    return resolve.make_or_read(
      own,
      tasks,
      scenario=scenario,
      scenario_tasks=tasks,
      seed=seed,
      cache=tmp_path,
    )

  expected = draw()
  assert not list(tmp_path.iterdir())  # these are few
  monkeypatch.setattr(mapped_ids, "MANY", 5)
  np.testing.assert_array_equal(draw().labelled, expected.labelled)
  with monkeypatch.context() as patch:
    patch.delattr(scenarios, "make_split")
    again = draw()
    with pytest.raises(AttributeError):
      draw(seed=4)
    with pytest.raises(AttributeError):
      draw(ids[:-1])
  np.testing.assert_array_equal(again.labelled, expected.labelled)
  assert again.about == expected.about
  assert again.ids == ids


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path, monkeypatch):
  monkeypatch.setattr(mapped_ids, "MANY", 1)
  place = tmp_path / "file"
  place.write_text("")
  split = resolve.make_or_read(
    ("x", "y"),
    ("a", "b"),
    scenario="onelabel",
    scenario_tasks=("a", "b"),
    seed=0,
    cache=place,
  )
  assert split.labelled.sum() == 2
