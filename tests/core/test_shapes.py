"""Arrays that do not fit are refused when traced, not broadcast."""

import jax.numpy as jnp
import pytest

from jtr_jax.core import numerics
from jtr_jax.core.types import Label, Weighted

B, H, W = 3, 4, 5


@pytest.mark.parametrize(
  ("values", "mask"),
  [((B, H, W, 2), (H, W)), ((B, H, W), (1, H, W)), ((B, H, W), (B, H, W, 1))],
)
def test_a_mask_of_another_shape(values, mask):
  with pytest.raises(AssertionError):
    numerics.fill(jnp.ones(values), jnp.ones(mask, bool))
  with pytest.raises(AssertionError):
    numerics.masked_sum(jnp.ones(values), jnp.ones(mask, bool), axis=(0,))


@pytest.mark.parametrize(
  ("a", "b"), [((H, W, 3), (W, 3)), ((H, W, 2), (H, W, 2))]
)
def test_angles_of_other_fields(a, b):
  with pytest.raises(AssertionError):
    numerics.safe_angle_deg(jnp.ones(a), jnp.ones(b))


@pytest.mark.parametrize("present", [(), (1,), (H,), (B, 1)])
def test_a_label_whose_presence_is_of_other_images(present):
  label = Label(
    jnp.ones((B, H, W)), jnp.ones((B, H, W), bool), jnp.ones(present, bool)
  )
  with pytest.raises(AssertionError):
    _ = label.mask


def test_sums_of_other_images_than_their_weights():
  with pytest.raises(AssertionError):
    Weighted(jnp.ones(B), jnp.ones(1)).per_image()
