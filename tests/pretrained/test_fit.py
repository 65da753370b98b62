import json
import re

import chex
import numpy as np
import pytest

from jtr_jax.models.initial_weights import InitialWeights
from jtr_jax.pretrained import fit
from jtr_jax.pretrained.source import Source


def network(classes=3, channels=3, width=4, neck=False):
  """Return (params, model_state) such as those of a network with one head."""
  draw = np.random.default_rng(classes).normal
  kernel = lambda *shape: {"kernel": draw(size=shape).astype(np.float32)}
  encoder = {
    "backbone": {
      "stem": {
        "conv": kernel(3, 3, channels, width),
        "norm": {"scale": np.ones(width)},
      }
    },
    **({"neck": {"mix": kernel(1, 1, width, 5)}} if neck else {}),
  }
  heads = {"decoder_parts": {"last": kernel(1, 1, 5, classes)}}
  stats = {"backbone": {"stem": {"norm": {"mean": draw(size=width)}}}}
  return {"encoder": encoder, **heads}, {
    "encoder": stats,
    **{name: {} for name in heads},
  }


def source(trees, **fields):
  return Source("somewhere", InitialWeights(*trees), **fields)


def backbone(trees):
  """Return what a published network offers."""
  return [{"encoder": {"backbone": t["encoder"]["backbone"]}} for t in trees]


def test_a_backbone_is_taken_and_the_head_stays_random():
  own, trained = network(), network(classes=10)
  found = fit.fit(
    source(backbone(trained), not_offered=("fc.weight",)), *own, ignore=()
  )
  params, state = found.weights.over(*own)
  chex.assert_trees_all_equal(params["encoder"], trained[0]["encoder"])
  chex.assert_trees_all_equal(state["encoder"], trained[1]["encoder"])
  chex.assert_trees_all_equal(params["decoder_parts"], own[0]["decoder_parts"])
  assert found.not_taken == ("fc.weight",)
  assert found.initialized == ("decoder_parts/last/kernel",)
  assert len(found.taken) == 3
  assert found.summary() == (
    "3 arrays taken from somewhere; not taken: fc.weight; random: decoder_parts"
  )


def test_a_run_gives_its_heads_of_the_same_name_and_no_others():
  trained, own = network(), network()
  trained[0]["decoder_depth"] = {"last": {"kernel": np.zeros((1, 1, 5, 1))}}
  found = fit.fit(source(trained), *own)
  assert found.not_taken == ("decoder_depth/last/kernel",)
  assert not found.initialized
  chex.assert_trees_all_equal(
    found.weights.params["decoder_parts"], trained[0]["decoder_parts"]
  )
  assert "decoder_depth" not in found.weights.params


def test_a_neck_that_the_weights_lack_is_random():
  found = fit.fit(source(backbone(network())), *network(neck=True))
  assert "encoder/neck/mix/kernel" in found.initialized


@pytest.mark.parametrize(
  ("trained", "own", "text"),
  [
    (
      network(classes=10),
      network(),
      r"decoder_parts/last/kernel of \(1, 1, 5, 10\)\. Expected: "
      r"\(1, 1, 5, 3\)\. .*another number of classes.*"
      r"weights_ignore='\('decoder_parts',\)'",
    ),
    (
      backbone(network(channels=4)),
      network(),
      "stem/conv/kernel.*images of 4 channels; the data have 3",
    ),
    (backbone(network(width=8)), network(), "Set model.width_factor"),
  ],
)
def test_what_has_another_shape_is_named(trained, own, text):
  with pytest.raises(ValueError, match=text) as error:
    fit.fit(source(trained), *own)
  assert "\n" not in str(error.value)


def test_another_network_is_an_error_that_names_parameters():
  other = network()
  stem = other[0]["encoder"]["backbone"].pop("stem")
  other[0]["encoder"]["backbone"]["layer0"] = stem
  text = "1 missing|2 missing, such as encoder/backbone/.*stem.*left over"
  with pytest.raises(ValueError, match=text):
    fit.fit(source(backbone(other)), *network())


def test_weights_with_nothing_in_common_are_an_error():
  trees = {"decoder_depth": {"last": {"kernel": np.zeros(1)}}}, {}
  with pytest.raises(ValueError, match="nothing that this network has"):
    fit.fit(source(trees), *network())


def test_what_is_ignored_stays_random():
  own = network()
  found = fit.fit(source(network(classes=10)), *own, ignore=("decoder_parts",))
  assert found.not_taken == found.initialized == ("decoder_parts/last/kernel",)
  only_stem = fit.fit(
    source(network()), *own, ignore=("*/norm", "decoder_*/last")
  )
  assert only_stem.taken == ("encoder/backbone/stem/conv/kernel",)


def test_a_pattern_without_a_match_is_an_error():
  text = re.escape("A pattern of model.weights_ignore matches no parameter")
  with pytest.raises(ValueError, match=text):
    fit.fit(source(network()), *network(), ignore=("decoder_part",))


def test_the_report_lists_all(tmp_path):
  found = fit.fit(
    source(backbone(network()), not_offered=("fc.bias",)), *network()
  )
  fit.write_report(tmp_path, found)
  report = json.loads((tmp_path / fit.REPORT).read_text())
  assert report["from"] == "somewhere"
  assert report["not_taken"] == ["fc.bias"]
  assert report["random"] == ["decoder_parts/last/kernel"]
  assert len(report["taken"]) == 3
