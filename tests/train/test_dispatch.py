import jax
import numpy as np
import pytest
from jax.sharding import AbstractMesh

from jtr_jax.train import dispatch
from tests.train import tiny


def test_mesh_has_the_devices_that_are_given():
  mesh = dispatch.make_mesh(3, jax.devices()[:1])
  assert mesh.axis_names == ("data",)
  assert mesh.devices.tolist() == jax.devices()[:1]
  assert dispatch.make_mesh(jax.device_count()).size == jax.device_count()


def test_batch_that_cannot_be_divided_is_refused(monkeypatch):
  monkeypatch.setattr(jax, "device_count", lambda: 8)
  with pytest.raises(ValueError, match="12 images and 8 devices"):
    dispatch.make_mesh(12)


def test_devices_that_share_images_are_not_counted(monkeypatch):
  monkeypatch.setattr(jax, "device_count", lambda: 8)
  monkeypatch.setattr(jax, "make_mesh", lambda *axes, **_: axes)
  assert dispatch.make_mesh(4, height=2) == ((4, 2), ("data", "height"))
  with pytest.raises(ValueError, match="8 devices, 3 for an image"):
    dispatch.make_mesh(4, height=3)
  mesh = AbstractMesh((4, 2), ("data", "height"))
  assert dispatch.whole_shares(5, mesh) == 8


@pytest.mark.parametrize(("batch", "whole"), [(1, 8), (8, 8), (9, 16)])
def test_batch_grows_until_it_can_be_divided(batch, whole):
  mesh = AbstractMesh((8,), ("data",))
  assert dispatch.whole_shares(batch, mesh) == whole


def test_fetched_steps_are_those_of_the_feed():
  mesh = dispatch.make_mesh(tiny.BATCH, jax.devices()[:1])
  feed = tiny.make_train_feed(mesh)
  several = dispatch.fetch_steps(feed, 5, 3)
  for index in range(3):
    for whole, one in zip(several, feed.fetch(5 + index), strict=True):
      np.testing.assert_array_equal(whole[index], one)
