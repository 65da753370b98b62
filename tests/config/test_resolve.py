import dataclasses
import json

import pytest
from ml_collections import ConfigDict

from jtr_jax.config import layout, presets, registry, resolve, schema
from tests import config_files


def test_settings_survive_json():
  settings = config_files.settings("rooms_mtpsl", "full,balancing=ial")
  plain = json.loads(json.dumps(resolve.to_plain(settings)))
  assert resolve.resolve(plain) == settings
  assert resolve.to_plain(resolve.resolve(plain)) == resolve.to_plain(settings)


def test_settings_are_what_the_config_says():
  config = config_files.load("nyu_mtpsl", "onelabel+unlabelled30,extended=DIR")
  plain = resolve.to_plain(resolve.resolve(config))
  assert plain == config.copy_and_resolve_references().to_dict()


def test_settings_cannot_be_changed():
  settings = resolve.resolve(presets.base())
  with pytest.raises(dataclasses.FrozenInstanceError):
    settings.train.epochs = 3
  with pytest.raises(TypeError):
    settings.method.fields["dist_weight"] = 3.0
  with pytest.raises(TypeError):
    settings.data.sources["more"] = settings.data


def changed(field, value):
  """Return the config of JTR on NYUv2 with one field set, known or not."""
  config = presets.base().to_dict()
  section, _, name = field.rpartition(".")
  (config[section] if section else config)[name] = value
  return ConfigDict(config)


@pytest.mark.parametrize(
  ("field", "value", "error"),
  [
    ("train.batchsize", 4, "Did you mean 'train.batch_size'"),
    ("train.batch_size", 0, "train.batch_size.*at least 1"),
    ("train.batch_size", 2.5, "train.batch_size.*a whole number"),
    ("train.steps", -1, "train.steps.*at least 0"),
    ("train.dtype", "bfloat", "Did you mean 'bfloat16'"),
    ("seed", True, "seed.*a whole number"),
    ("tasks", 3, "tasks.*a tuple of str"),
    ("tasks", ("depth", "depth"), "tasks.*every task once"),
    ("optimizer.name", "adm", "Did you mean 'adam'"),
    ("optimizer.learning_rate", 0.0, "learning_rate.*more than 0"),
    ("optimizer.learning_rate", float("nan"), "learning_rate.*finite"),
    ("optimizer.decay_rate", 1.5, "decay_rate.*at most 1"),
    ("model.name", "segnett", "Did you mean 'segnet'"),
    ("model.filters", (), "model.filters.*at least one element"),
    ("model.filters", (64, 64, 0, 64, 64), "model.filters.*at least 1"),
    ("method.distance", "cosin", "Did you mean 'cosine'"),
    ("method.recon_weight", -2.0, "recon_weight.*at least 0"),
    ("method.weight", 1.0, "Unknown field of config.method.*'method.weight'"),
    ("augment.scales", (0.5,), "scales.*at least 1"),
    ("augment.colour_op", 1, "Did you mean 'augment.colour_ops'"),
    ("data.name", "nyuv3", "Did you mean 'nyuv2'"),
    ("data.size", (96, 0), "data.size.*height and width"),
    ("data.size", (96,), "data.size.*a tuple of 2 int"),
    ("data.placement", "gpu", "placement.*'gpu'.*stream"),
    ("data.scenario", "onelabel+unlabelled0", "scenario name"),
    ("experiment.confidence", 1.5, "confidence.*at least 0 and at most 1"),
    ("experiment.kind", "mist", "Did you mean 'must'"),
    ("evaluation", {}, "Did you mean 'evaluate'"),
    ("train", 3, "config.train cannot be used.*a section"),
  ],
)
def test_what_cannot_be_used_is_refused(field, value, error):
  with pytest.raises(ValueError, match=error):
    resolve.resolve(changed(field, value))


@pytest.mark.parametrize("section", ["train", "method", "log"])
def test_a_missing_section_is_named(section):
  config = presets.base().to_dict()
  del config[section]
  with pytest.raises(ValueError, match=f"section.*missing.*no {section}"):
    resolve.resolve(config)


def test_a_missing_field_has_its_default():
  config = presets.base().to_dict()
  del (
    config["train"]["dtype"],
    config["method"]["label_weighting"],
    config["seed"],
  )
  assert resolve.resolve(config) == resolve.resolve(presets.base())


def test_every_field_says_what_it_means():
  """What a page of all fields is made from."""
  known = layout.layout_of(resolve.to_mapping(presets.base())).fields
  silent = [
    f"{section}.{name}"
    for section, fields in known.items()
    for name, field in fields.items()
    if not field.about and name != "name"
  ]
  assert not silent
  epochs = known["train"]["epochs"]
  assert (epochs.unit, epochs.source) == ("epochs", "JTR, Table 6")
  assert epochs.about == "passes over the images of the main data"
  assert schema.describe(epochs) == "a whole number, more than 0 (epochs)"
  assert known["method"]["recon_weight"].source == "JTR, Sec. 6.2"


@pytest.mark.parametrize("place", registry.PARTS)
def test_every_field_of_every_part_says_what_it_means(place):
  for name, entry in registry.PARTS[place].entries.items():
    fields = {**entry.fields, **entry.group_fields}
    silent = [field for field, known in fields.items() if not known.about]
    assert not silent, name


@pytest.mark.parametrize("place", registry.PARTS)
def test_defaults_of_every_part_can_be_used(place):
  table = registry.PARTS[place]
  for name, entry in table.entries.items():
    config = presets.base()
    section = config
    for part in place.split(".")[:-1]:
      section = section[part]
    if place == "method":
      presets.use_method(config, name)
    elif place not in layout.SECTIONS:
      last = place.split(".")[-1]
      values = {n: f.default for n, f in entry.fields.items()}
      section[last] = ConfigDict({"name": name, **values})
    resolve.resolve(config)
