import dataclasses
import json
import math

import pytest

from jtr_jax.workdir import result_card
from jtr_jax.workdir.result_card import Outcome, ResultCard

METRICS = {"seg/mIoU": 0.41234, "depth/abs_err": 0.5}
CARD = ResultCard(
  name="nyu_jtr",
  outcomes=(
    Outcome("last", 300, "val", METRICS),
    Outcome(
      "best",
      200,
      "val",
      METRICS | {"depth/abs_err": math.nan},
      selected_by="seg/mIoU",
      selected_on="val",
    ),
  ),
  directions={"seg/mIoU": 1, "depth/abs_err": -1},
  baseline=None,
  seeds={"seed": 0, "split": 3},
  scenario="onelabel",
  label_counts={"segmentation": 398, "depth": 397},
  images=795,
  versions={"jax": "0.10.2"},
  config="configs/nyu_jtr.py:scenario=onelabel",
)


def test_page_without_a_baseline():
  assert (
    result_card.to_markdown(CARD)
    == """\
# nyu_jtr

| metric | val, last step (step 300) | val, best seg/mIoU on val* (step 200) |
| --- | ---: | ---: |
| seg/mIoU \u2191 | 0.4123 | 0.4123 |
| depth/abs_err \u2193 | 0.5000 | nan |

\\* optimistic: the step was chosen on the split it is reported on.

* Config: `configs/nyu_jtr.py:scenario=onelabel`
* Scenario: onelabel; labels of 795 images: segmentation 398, depth 397
* Seeds: seed 0, split 3
* Delta_MTL: not computed (no baseline given)
* Versions: jax 0.10.2
"""
  )


def test_page_with_a_baseline_and_a_held_out_split():
  outcome = dataclasses.replace(
    CARD.outcomes[1], selected_on="heldout", delta_percent=-1.234
  )
  card = dataclasses.replace(
    CARD, outcomes=(outcome,), baseline={"name": "stl", "metrics": METRICS}
  )
  page = result_card.to_markdown(card)
  assert "| Delta_MTL \u2191 | -1.23 % |" in page
  assert "* Delta_MTL: against stl" in page
  assert "optimistic" not in page


def test_acc_mtl_and_the_metrics_that_it_is_made_of(tmp_path):
  outcome = dataclasses.replace(CARD.outcomes[0], acc_mtl=0.61234)
  card = dataclasses.replace(
    CARD, outcomes=(outcome,), summarised=("seg/mIoU", "depth/abs_err")
  )
  result_card.write(tmp_path, card)
  assert result_card.read(tmp_path) == card
  page = (tmp_path / "RESULT.md").read_text()
  assert "| Acc_MTL \u2191 | 0.6123 |" in page
  assert "* Delta_MTL and Acc_MTL: of seg/mIoU, depth/abs_err" in page


def test_delta_without_a_baseline_is_refused():
  outcome = dataclasses.replace(CARD.outcomes[0], delta_percent=1.0)
  with pytest.raises(ValueError, match="named baseline"):
    dataclasses.replace(CARD, outcomes=(outcome,))


def test_files(tmp_path):
  result_card.write(tmp_path, CARD)
  stored = json.loads((tmp_path / "result.json").read_text())
  last, best = stored["outcomes"]
  assert (last["optimistic"], best["optimistic"]) == (False, True)
  assert last["metrics"] == METRICS
  assert best["metrics"]["depth/abs_err"] is None
  assert best["selection"] == "best seg/mIoU on val"
  assert stored["delta"] == "not computed (no baseline given)"
  assert stored["seeds"] == {"seed": 0, "split": 3}
  page = (tmp_path / "RESULT.md").read_text()
  assert page == result_card.to_markdown(CARD)


def test_a_file_from_before_gains_were_kept_is_read(tmp_path):
  result_card.write(tmp_path, CARD)
  path = tmp_path / "result.json"
  content = json.loads(path.read_text())
  for outcome in content["outcomes"]:
    del outcome["gains"], outcome["acc_mtl"]
  del content["summarised"]
  path.write_text(json.dumps(content))
  assert result_card.read(tmp_path).outcomes[0] == CARD.outcomes[0]
