import chex
import numpy as np
import pytest

from jtr_jax.models import published
from jtr_jax.models.backbones.registry import BACKBONES
from jtr_jax.pretrained import export, package, source
from jtr_jax.pretrained.imported import Imported

HEAD = {"decoder_depth": {"last": {"kernel": np.zeros((1, 1, 4, 1))}}}


def test_every_network_has_a_usual_published_one():
  for name in ("segnet", *BACKBONES):
    assert export.usual_network(name) in published.NETWORKS
  with pytest.raises(ValueError, match=r"mine.*--network"):
    export.usual_network("mine")


def test_what_was_imported_is_exported_as_it_was():
  tensors = package.read().tensors
  given = source.of_package().weights
  params = {**given.params, **HEAD}
  made = export.export(package.NETWORK, params, given.model_state, ("depth",))
  for name, array in made.tensors.items():
    np.testing.assert_array_equal(array, tensors[name])
  counters = {name for name in tensors if name.endswith("tracked")}
  assert {*made.tensors, *made.missing} == tensors.keys() - counters
  assert made.left_out == ("decoder_depth/last/kernel",)
  assert all("fc" in n or "head" in n or "bn1" in n for n in made.missing)
  variables = published.load(package.NETWORK, made.tensors, ignore=made.missing)
  again = source.of_published(Imported(package.NETWORK, variables, {}))
  chex.assert_trees_all_equal(again.weights, given)


def test_a_network_that_is_not_the_published_one_is_an_error():
  given = source.of_package().weights
  backbone = dict(given.params["encoder"]["backbone"])
  del backbone["stem"]
  params = {"encoder": {"backbone": backbone}}
  with pytest.raises(ValueError, match=r"first .*backbone/stem"):
    export.export(package.NETWORK, params, given.model_state, ())
