import jax
import jax.numpy as jnp
import pytest

from jtr_jax.models.parameter_names import matched, matches, names

PARAMS = {
  "encoder": {
    "layer1_block0": {"conv": {"kernel": 1.0}, "norm": {"scale": 1.0}},
    "layer2_block0": {"conv": {"kernel": 1.0}},
  },
  "decoder_depth": {"conv": {"kernel": jnp.ones(2)}},
}


def meant(*patterns):
  tree = matched(PARAMS, patterns, "optimizer.frozen")
  flags = dict(zip(names(PARAMS), jax.tree.leaves(tree), strict=True))
  return [name for name, flag in flags.items() if flag]


@pytest.mark.parametrize(
  ("patterns", "expected"),
  [
    ((), []),
    (("decoder_depth",), ["decoder_depth/conv/kernel"]),
    (
      ("encoder/layer1*",),
      [
        "encoder/layer1_block0/conv/kernel",
        "encoder/layer1_block0/norm/scale",
      ],
    ),
    (("*/norm",), ["encoder/layer1_block0/norm/scale"]),
    (
      ("*norm*", "decoder_?epth"),
      ["decoder_depth/conv/kernel", "encoder/layer1_block0/norm/scale"],
    ),
    (
      ("encoder/layer[12]_block0/conv",),
      [
        "encoder/layer1_block0/conv/kernel",
        "encoder/layer2_block0/conv/kernel",
      ],
    ),
  ],
)
def test_patterns_mean_parts_and_parameters(patterns, expected):
  assert sorted(meant(*patterns)) == sorted(expected)


def test_a_part_of_a_word_means_nothing():
  assert not matches("encoder/layer10/kernel", "encoder/layer1")


@pytest.mark.parametrize(
  ("pattern", "near"),
  [
    ("encodr", "encoder"),
    ("encoder/layr1_block0", "encoder/layer1_block0"),
    ("encoder/layer3*", "encoder/layer2_block0"),
    ("decoder_depth/conv/kernal", "decoder_depth/conv/kernel"),
  ],
)
def test_a_pattern_that_means_nothing_names_the_nearest(pattern, near):
  with pytest.raises(ValueError, match=r"optimizer\.frozen") as raised:
    meant("decoder_depth", pattern)
  text = str(raised.value)
  assert repr(pattern) in text
  assert f"Did you mean {near!r}" in text


def test_without_anything_near_the_parts_are_named():
  with pytest.raises(ValueError, match="decoder_depth/conv"):
    meant("zzzzzz")
