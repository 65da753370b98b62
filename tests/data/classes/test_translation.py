"""From the class ids of data sets to those of a run."""

from pathlib import Path

import numpy as np
import pytest

from jtr_jax.data.classes.translation import UNLABELLED, Own, translate
from jtr_jax.data.classes.vocabulary import SourceClasses, TaskClasses
from jtr_jax.data.records.stored_form import stored_form

CLASSES = ("wall", "floor", "chair", "table", "sky")
OURS = TaskClasses(Path("classes.toml"), CLASSES)


def options(*names, kind="segmentation"):
  return {"kind": kind, "classes": list(names)}


def indoor(**changes):
  labels = {
    "armchair": ("chair",),
    "stool": ("chair",),
    "seat": ("chair", "table"),
    "person": (),
    "background": None,
  }
  said = SourceClasses(**{"labels": labels, "shows": CLASSES[:4], **changes})
  names = ("armchair", "stool", "seat", "person", "background", "table")
  return Own(options(*names), said, "indoor")


def outdoor():
  return Own(options("sky", "floor", "wall"), SourceClasses())


def test_ids_of_each_source():
  found = translate("seg", OURS, {"in": indoor(), "out": outdoor()})
  # The rest of what is shown indoors is wall or floor; seats are 6 or 5.
  assert found.options["classes"] == list(CLASSES)
  assert found.options["sets"] == [[2, 3], [0, 1]]
  assert found.translations["in"].ids.tolist() == [2, 2, 5, -1, 6, 3, -1]
  assert found.translations["out"].ids.tolist() == [4, 1, 0, -1]
  assert found.meanings["in"] == {
    "armchair": "chair",
    "stool": "chair",
    "seat": "chair or table",
    "person": "ignored",
    "background": "wall or floor",
    "table": "table",
    UNLABELLED: "ignored",
  }


def test_images_know_what_is_labelled_alone_or_never_shown():
  found = translate("seg", OURS, {"in": indoor(), "out": outdoor()})
  known = {name: t.known.tolist() for name, t in found.translations.items()}
  # Indoors there is no sky, and seats leave chairs and tables open.
  assert known["in"] == [False, False, False, False, True]
  assert known["out"] == [True, True, False, False, True]


def test_stored_labels_are_translated_with_their_holes():
  found = translate("seg", OURS, {"in": indoor(), "out": outdoor()})
  form = stored_form("seg", found.options, (1, 4))
  label = np.array([[0, 4, -1, 2]], np.int8)
  new = found.translations["in"].apply(label, form)
  assert new.tolist() == [[2, 6, -1, 5]]
  assert new.dtype == np.int8
  assert form.last == 6


def test_pixels_without_a_label_may_be_the_rest():
  own = indoor(unlabelled=None)
  found = translate("seg", OURS, {"in": own, "out": outdoor()})
  assert found.translations["in"].ids.tolist()[-1] == 6


def test_a_label_that_may_be_anything_is_ignored():
  said = SourceClasses(labels={"thing": CLASSES})
  both = {"out": outdoor(), "in": indoor(), "x": Own(options("thing"), said)}
  found = translate("seg", OURS, both)
  assert found.translations["x"].ids.tolist() == [-1, -1]
  assert not found.translations["x"].known.any()
  assert found.meanings["x"]["thing"] == "any class"


def test_the_same_names_need_no_vocabulary():
  own = Own(options(*CLASSES[::-1]), SourceClasses())
  found = translate("seg", OURS, {"main": own})
  assert found.translations["main"].ids.tolist() == [4, 3, 2, 1, 0, -1]
  assert found.translations["main"].known.all()
  assert "sets" not in found.options


def test_own_names_stand_for_those_of_the_data():
  said = SourceClasses(names=CLASSES)
  own = Own(options("0", "1", "2", "3", "4"), said, "numbers")
  found = translate("seg", OURS, {"main": own})
  assert found.translations["main"].ids.tolist() == [0, 1, 2, 3, 4, -1]


def test_five_hundred_classes():
  names = tuple(f"class {number}" for number in range(500))
  halves = [
    SourceClasses(dict.fromkeys(half)) for half in (names[:250], names[250:])
  ]
  sources = {
    str(number): Own(options(*names), said, str(number))
    for number, said in enumerate(halves)
  }
  found = translate("seg", TaskClasses(Path("x"), names), sources)
  form = stored_form("seg", found.options, (2, 2))
  assert form.dtype == np.int16
  assert form.last == 501
  assert [t.known.sum() for t in found.translations.values()] == [250, 250]


@pytest.mark.parametrize(
  ("source", "error"),
  [
    (
      indoor(labels={"sofa": ("chair",)}),
      r"class of source 'in' in \[seg.indoor.labels\].*'sofa'",
    ),
    (
      indoor(labels={"seat": ("chair",)}),
      "have no meaning. Found: armchair, stool, person, background",
    ),
    (
      Own(options("sky", "sea"), SourceClasses()),
      r"sea.*data.sources.in.vocabulary",
    ),
    (indoor(names=("a", "b")), "do not fit source 'in'. Found: 2 names"),
    (
      indoor(shows=("chair", "table")),
      "Nothing is left for .* Found: labels for all of chair, table",
    ),
    (Own(options("sky", kind="multilabel"), SourceClasses()), "'multilabel'"),
    (
      Own({**options(*CLASSES), "sets": [[0, 1]]}, SourceClasses()),
      "translated before",
    ),
  ],
)
def test_what_does_not_fit_is_named(source, error):
  with pytest.raises(ValueError, match=error):
    translate("seg", OURS, {"in": source, "out": outdoor()})


def test_classes_that_no_source_knows_are_refused():
  with pytest.raises(ValueError, match=r"No source labels .* Found: sky"):
    translate("seg", OURS, {"in": indoor()})
  only_evaluated = outdoor()._replace(trains=False)
  with pytest.raises(ValueError, match=r"No source labels .* Found: sky"):
    translate("seg", OURS, {"in": indoor(), "out": only_evaluated})


def test_classes_that_nothing_tells_apart_are_warned_of(caplog):
  own = indoor(shows=CLASSES)
  translate("seg", OURS, {"in": own})
  assert "every label of wall, floor, sky leaves other classes" in caplog.text
