"""Published networks go through the import and the command, as a user's do."""

import numpy as np
import pytest

from jtr_jax.verify import network
from jtr_jax.verify.comparison import Recording
from tests import GOLDEN

RESNET = GOLDEN / "torchvision_resnet18.npz"


@pytest.fixture(scope="module")
def arrays():
  with np.load(RESNET) as archive:
    return dict(archive)


def failed(arrays):
  """Return the names of the outputs that do not agree."""
  quantities = list(network.recompute(Recording(arrays)))
  assert len(quantities) == sum("/" in name for name in arrays)
  return {quantity.name for quantity in quantities if not quantity.passed}


def test_resnet18_agrees_in_float32(arrays):
  assert failed(arrays) == set()


def test_a_changed_output_and_a_changed_tensor_fail(arrays, monkeypatch):
  altered = dict(arrays)
  altered["eval/output"] = 1.01 * arrays["eval/output"]
  assert failed(altered) == {"eval/output"}
  draw = network.draw
  changed = "layer4.0.downsample.1.running_mean"
  monkeypatch.setattr(
    network,
    "draw",
    lambda name, *other: draw(name, *other) + 0.1 * (name == changed),
  )
  assert failed(arrays) == {"eval/layer4", "eval/output"}


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"network": np.array("torchvision.resnet19")}, "'torchvision.resnet18'"),
    ({"network": np.array("torchvision.resnet34")}, "'layer1.2.bn1.bias'"),
    ({"eval/layer5": np.zeros(3)}, "Did you mean 'layer4'?"),
    ({"image": np.zeros((3, 8, 8))}, "'image' has the wrong shape"),
  ],
)
def test_a_recording_that_does_not_fit(arrays, change, message):
  with pytest.raises(ValueError, match=message.replace("?", r"\?")):
    failed({**arrays, **change})


def test_a_tensor_too_many_and_one_of_another_shape(arrays):
  more = {
    "names": np.append(arrays["names"], "fc.more"),
    "shapes": np.append(arrays["shapes"], "3"),
  }
  with pytest.raises(ValueError, match="left over"):
    failed({**arrays, **more})
  shapes = arrays["shapes"].copy()
  shapes[list(arrays["names"]).index("bn1.bias")] = "65"
  with pytest.raises(ValueError, match=r"'bn1.bias' has the wrong shape"):
    failed({**arrays, "shapes": shapes})


def test_the_rule_of_the_recordings():
  assert network.draw("a.running_var", (9,), 0).min() > 0.5
  assert abs(network.draw("a.running_mean", (99,), 0)).max() < 0.5
  kernel = network.draw("a.weight", (64, 16, 3, 3), 0)
  assert kernel.std() == pytest.approx(1 / 12, rel=0.05)
  token = network.draw("cls_token", (1, 1, 999), 0)
  assert token.std() == pytest.approx(0.1, rel=0.1)
  assert (kernel != network.draw("a.weight", (64, 16, 3, 3), 1)).all()
