import random

import numpy as np
import pytest

from jtr_jax.data.label_splits import scenarios

IDS = tuple(str(i) for i in range(795))
NYUV2 = ("segmentation", "depth", "normals")
SEVEN = tuple("abcdefg")


def make(scenario, ids=IDS, tasks=NYUV2, seed=0):
  return scenarios.make_split(scenario, ids, tasks, seed=seed).labelled


def test_full_and_found_keep_everything():
  assert make("full").all()
  assert make("found").all()


@pytest.mark.parametrize(
  ("number", "tasks", "counts"),
  [(795, NYUV2, [265] * 3), (2975, NYUV2[:2], [1487, 1488]), (5, ("a",), [5])],
)
def test_onelabel_is_balanced(number, tasks, counts):
  labelled = make("onelabel", tuple(map(str, range(number))), tasks)
  assert (labelled.sum(axis=1) == 1).all()
  assert sorted(labelled.sum(axis=0)) == counts


def test_randomlabels_is_uniform_in_number_and_subset():
  labelled = make("randomlabels", tuple(map(str, range(20000))), SEVEN)
  numbers = np.bincount(labelled.sum(axis=1), minlength=8)
  np.testing.assert_array_equal(numbers[[0, 7]], 0)
  np.testing.assert_allclose(numbers[1:7] / 20000, 1 / 6, atol=0.01)
  np.testing.assert_allclose(labelled.mean(axis=0), 0.5, atol=0.012)
  pairs = labelled[labelled.sum(axis=1) == 2] @ (1 << np.arange(7))
  _, frequency = np.unique(pairs, return_counts=True)
  assert len(frequency) == 21
  np.testing.assert_allclose(frequency / frequency.sum(), 1 / 21, atol=0.016)


@pytest.mark.parametrize(
  ("tasks", "numbers"), [(SEVEN, {3, 4}), (SEVEN[:4], {2}), (SEVEN[:2], {1})]
)
def test_halflabels_keeps_half(tasks, numbers):
  found = make("halflabels", IDS, tasks).sum(axis=1)
  assert set(found) == numbers
  assert abs(found.mean() - len(tasks) / 2) < 0.06


@pytest.mark.parametrize("base", ["full", "onelabel", "randomlabels"])
def test_labelled_and_unlabelled_are_complements(base):
  ids, tasks = [f"image {n}" for n in range(21)], ["a", "b", "c"]
  draw = lambda scenario: scenarios.make_split(scenario, ids, tasks, seed=1)
  whole, kept, others = (
    draw(base + end).labelled for end in ("", "+unlabelled40", "+labelled40")
  )
  assert not (kept & others).any()
  np.testing.assert_array_equal(kept | others, whole)
  assert others.any(axis=1).sum() == 8


def test_two_tasks_have_exactly_one_random_label():
  labelled = make("randomlabels", tasks=NYUV2[:2])
  assert (labelled.sum(axis=1) == 1).all()
  assert abs(labelled[:, 0].mean() - 0.5) < 0.06


@pytest.mark.parametrize("scenario", ["randomlabels", "halflabels"])
def test_one_task_is_too_few(scenario):
  with pytest.raises(ValueError, match="not defined for a single task"):
    make(scenario, tasks=("depth",))


@pytest.mark.parametrize("base", ["randomlabels", "onelabel"])
def test_unlabelled_hides_a_share_and_keeps_the_rest(base):
  whole = make(base)
  hidden = {}
  for percent, count in ((30, 239), (50, 398), (70, 557)):
    labelled = make(f"{base}+unlabelled{percent}")
    hidden[percent] = ~labelled.any(axis=1)
    assert hidden[percent].sum() == count
    np.testing.assert_array_equal(
      labelled[~hidden[percent]], whole[~hidden[percent]]
    )
  assert (hidden[30] <= hidden[50]).all()
  assert (hidden[50] <= hidden[70]).all()


@pytest.mark.parametrize("scenario", ["onelabel", "randomlabels+unlabelled30"])
def test_a_sample_keeps_its_labels_in_any_order(scenario):
  split = scenarios.make_split(scenario, IDS, NYUV2, seed=3)
  shuffled = random.Random(0).sample(IDS, len(IDS))
  other = scenarios.make_split(scenario, shuffled, NYUV2[::-1], seed=3)
  np.testing.assert_array_equal(
    scenarios.align_split(other, IDS, NYUV2), split.labelled
  )


def test_labels_of_a_seed_never_change():
  """The published meaning of (seed, scenario, id): recorded once."""
  rows = make("randomlabels", tuple("abcdef"), NYUV2, seed=7)
  found = ["".join(map(str, row.astype(int))) for row in rows]
  assert found == RECORDED


RECORDED = ["110", "011", "100", "110", "011", "001"]


def test_seeds_differ():
  assert (make("randomlabels") != make("randomlabels", seed=1)).any()
  first = make("randomlabels+unlabelled50").any(axis=1)
  second = make("randomlabels+unlabelled50", seed=1).any(axis=1)
  assert 0.4 < (first != second).mean() < 0.6


@pytest.mark.parametrize(
  ("name", "message"),
  [
    ("randomlabel", "Did you mean 'randomlabels'"),
    ("unlabelled30", r"randomlabels\+unlabelled30"),
    ("onelabel+unlabelled0", "from 1 to 99"),
    ("onelabel+unlabelled100", "from 1 to 99"),
    ("onelabel+", "unknown form"),
    ("onelabel+unlabeled30", "unknown form"),
    ("", "Unknown label scenario"),
  ],
)
def test_refuses_other_names(name, message):
  with pytest.raises(ValueError, match=message):
    make(name)


def test_refuses_empty_lists():
  for ids, tasks in (((), NYUV2), (IDS, ())):
    with pytest.raises(ValueError, match="Found: none"):
      make("onelabel", ids, tasks)


def test_refuses_repeated_ids():
  with pytest.raises(ValueError, match="repeated 1 \\('a'\\)"):
    make("full", ("a", "b", "a"))


def test_align_chooses_tasks_and_order():
  labelled = np.array([[True, False], [False, True]])
  split = scenarios.LabelSplit(("a", "b"), ("depth", "normals"), labelled)
  found = scenarios.align_split(split, ["b", "a"], ["normals"])
  np.testing.assert_array_equal(found, [[True], [False]])
  with pytest.raises(ValueError, match="Did you mean 'normals'"):
    scenarios.align_split(split, ["a", "b"], ["normal"])


def test_align_refuses_other_ids():
  split = scenarios.make_split("full", ("a", "b"), NYUV2, seed=0)
  with pytest.raises(ValueError, match="does not fit") as error:
    scenarios.align_split(split, [*map(str, range(9)), "a"], NYUV2)
  text = str(error.value)
  assert "2 images in the split and 10 in the data" in text
  assert "only in the data: 9 ('0', '1', '2', '3', '4', ...)" in text
  assert "only in the split: 1 ('b')" in text
  assert "split make" in text


def test_describe_counts():
  split = scenarios.make_split("onelabel+unlabelled30", IDS, NYUV2, seed=5)
  lines = scenarios.describe(split).splitlines()
  expected = "795 images, 3 tasks; scenario onelabel+unlabelled30; seed 5"
  assert lines[0] == expected
  assert lines[1].split()[0] == "segmentation"
  assert lines[5].split() == ["0", "239", "30.1%"]
  assert lines[6].split() == ["1", "556", "69.9%"]
  assert lines[8].split() == ["3", "0", "0.0%"]


def test_refuses_a_wrong_table():
  with pytest.raises(ValueError, match=r"float32\[1, 1\]"):
    scenarios.LabelSplit(("a",), ("depth",), np.ones((1, 1), np.float32))
