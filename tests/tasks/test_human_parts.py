import jax
import numpy as np

from jtr_jax.core.types import Label
from jtr_jax.tasks.human_parts import HumanParts
from jtr_jax.tasks.segmentation import Segmentation

TASK, PLAIN = HumanParts("parts", 3), Segmentation("parts", 3)


def test_an_image_without_people_counts_nowhere():
  rng = np.random.default_rng(0)
  value = rng.integers(0, 3, (3, 4, 5)).astype(np.int32)
  valid = rng.random((3, 4, 5)) < 0.7
  value[1] = 0
  value[2] = np.where(valid[2], 0, 2)  # parts at uncounted pixels alone
  logits = rng.normal(size=(3, 4, 5, 3)).astype(np.float32)
  label = Label(value, valid, np.ones(3, bool))
  loss = jax.jit(TASK.loss)(logits, label)
  plain = jax.jit(PLAIN.loss)(logits, label)
  np.testing.assert_array_equal(loss.weight, [valid[0].sum(), 0, 0])
  np.testing.assert_array_equal(loss.sum, [plain.sum[0], 0, 0])
  counted = TASK.metric_sums(logits, label)["confusion"]
  alone = PLAIN.metric_sums(
    logits[:1], Label(value[:1], valid[:1], np.ones(1, bool))
  )
  np.testing.assert_array_equal(counted, alone["confusion"])
