"""The label split of a run: drawn, or from a file, and what else is hidden."""

import numpy as np
import pytest

from jtr_jax.data.label_splits import resolve, scenarios, text_file
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
