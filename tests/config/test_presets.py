import json

import pytest
from ml_collections import ConfigDict

from jtr_jax.config import flag, presets, validate
from jtr_jax.methods.jtr import settings as jtr_settings
from tests import config_files


def test_parse_arg_takes_types_from_the_defaults():
  args = presets.parse_arg(
    "depth,rate=0.5,size=96x128,tasks=depth+normals,fast,path=a=b,none=",
    name="x",
    rate=1.0,
    size=(0, 0),
    tasks=(),
    fast=False,
    path="",
    count=3,
    none=("x",),
  )
  assert args == {
    "name": "depth",
    "rate": 0.5,
    "size": (96, 128),
    "tasks": ("depth", "normals"),
    "fast": True,
    "path": "a=b",
    "count": 3,
    "none": (),
  }


def test_parse_arg_of_nothing_is_the_defaults():
  assert presets.parse_arg("", a=1, b="x") == {"a": 1, "b": "x"}


@pytest.mark.parametrize(
  ("arg", "error"),
  [
    ("scenari=full", "Did you mean 'scenario'"),
    ("full,onelabel", "Unknown config argument.*'onelabel'"),
    ("full,scenario=full", "'scenario'.*two values"),
    ("seed=one", "'seed'.*'one'.*int"),
    ("fast=yes", "'fast'.*true or false"),
    ("size=96", "'size'.*height and width"),
    ("size=96xa", "'size'.*'a'"),
  ],
)
def test_parse_arg_refuses(arg, error):
  with pytest.raises(ValueError, match=error):
    presets.parse_arg(arg, scenario="", seed=0, fast=False, size=(0, 0))


def test_jtr_variants_are_spelt_out_and_single_fields_changed():
  config = presets.use_method(
    presets.base(), "jtr", variant="official", dist_weight=1.0
  )
  assert config.method.share == "sum"
  assert config.method.hole == "encoded_zero"
  assert config.method.separate_views
  assert config.method.dist_weight == 1.0
  settings = {*vars(jtr_settings.PAPER), *vars(jtr_settings.PAPER.stacking)} - {
    "stacking"
  }
  own = {"name", "autoencoder_filters", "autoencoder_statistics"}
  assert set(config.method) == settings | own


def test_another_method_brings_its_own_groups_of_the_optimizer():
  config = presets.use_method(presets.base(), "mtpsl", variant="official")
  assert config.method.pair_share == "sum"
  assert config.optimizer.film_learning_rate == 1e-3
  assert config.optimizer.film_decay_epochs == 30
  validate.validate(config)
  config = presets.use_method(config, "supervised")
  assert not [field for field in config.optimizer if "film" in field]
  validate.validate(config)


def test_autoencoder_follows_the_network_until_it_has_its_own_filters():
  config = presets.base()
  config.model.filters = (1, 2, 3, 4, 5)
  assert config.method.autoencoder_filters == (1, 2, 3, 4, 5)
  config.method.autoencoder_filters = (5, 5, 5, 5, 5)
  assert config.model.filters == (1, 2, 3, 4, 5)


def test_unlabelled_images_are_used_if_the_scenario_has_some():
  load = config_files.load
  assert load("nyu_jtr").method.unlabelled == "none"
  config = load("nyu_jtr", "onelabel+unlabelled30")
  assert config.method.unlabelled == "consistency"


def test_official_variant_is_the_released_program():
  config = config_files.load("nyu_jtr", "variant=official")
  assert config.train.epochs == 400
  assert config.augment.normal_resize == "official"
  assert config_files.load("nyu_jtr").train.epochs == 300
  supervised = config_files.load("nyu_supervised", "variant=official")
  assert supervised.method.share == "sum"


def test_single_task_learning_sees_the_labels_of_the_whole_split():
  config = config_files.load("rooms_stl", "depth")
  assert config.tasks == ("depth",)
  assert config.data.scenario_tasks == ("segmentation", "depth", "normals")


@pytest.mark.parametrize(
  ("name", "arg", "error"),
  [
    ("nyu_jtr", "data=room", "Did you mean 'rooms'"),
    ("nyu_jtr", "variant=offical", "Did you mean 'official'"),
    ("nyu_jtr", "onelabels", "Did you mean 'onelabel'"),
    ("folder_jtr", "DIR,method=superviced", "Did you mean 'supervised'"),
  ],
)
def test_config_files_name_the_nearest(name, arg, error):
  with pytest.raises(ValueError, match=error):
    config_files.load(name, arg)


def test_method_fields_name_the_nearest():
  with pytest.raises(ValueError, match="Did you mean 'dist_weight'"):
    presets.use_method(presets.base(), "jtr", dist_wait=1.0)


def test_config_survives_json():
  config = config_files.load("rooms_jtr")
  plain = json.loads(json.dumps(config.to_dict()))
  restored = presets.from_plain(plain)
  assert restored.to_dict() == config.to_dict()
  validate.validate(restored)


@pytest.mark.parametrize(
  ("field", "value", "error"),
  [
    ("train.batchsize", 4, "Did you mean 'train.batch_size'"),
    ("train.batch_size", 0, "train.batch_size.*more than 0"),
    ("train.batch_size", 2.5, "train.batch_size.*type int"),
    ("train.steps", -1, "train.steps.*0 or more"),
    ("train.dtype", "bfloat", "Did you mean 'bfloat16'"),
    ("seed", True, "seed.*type int"),
    ("tasks", ["depth"], "tasks.*a tuple of str"),
    ("tasks", ("depth", "depth"), "tasks.*every task once"),
    ("optimizer.name", "adm", "Did you mean 'adam'"),
    ("optimizer.learning_rate", 0.0, "learning_rate.*more than 0"),
    ("optimizer.learning_rate", float("nan"), "learning_rate.*finite"),
    ("optimizer.decay_rate", 1.5, "decay_rate.*at most 1"),
    ("model.name", "segnett", "Did you mean 'segnet'"),
    ("model.filters", (), "model.filters.*at least one number"),
    ("model.filters", (64, 64, 0, 64, 64), "model.filters.*more than 0"),
    ("method.distance", "cosin", "Did you mean 'cosine'"),
    ("method.recon_weight", -2.0, "recon_weight.*0 or more"),
    ("method.weight", 1.0, "Unknown field of config.method.*'method.weight'"),
    ("augment.scales", (0.5,), "scales.*at least 1"),
    ("augment.colour_op", 1, "Did you mean 'augment.colour_ops'"),
    ("data.name", "nyu", "Did you mean 'nyuv2'"),
    ("data.size", (96, 0), "data.size.*height and width"),
    ("data.placement", "gpu", "placement.*'gpu'.*stream"),
    ("data.scenario", "onelabel+unlabelled0", "scenario name"),
    ("evaluation", {}, "Did you mean 'evaluate'"),
  ],
)
def test_validate_refuses(field, value, error):
  changed = presets.base().to_dict()
  section, _, name = field.rpartition(".")
  (changed[section] if section else changed)[name] = value
  with pytest.raises(ValueError, match=error):
    validate.validate(ConfigDict(changed))


@pytest.mark.parametrize(
  "field", ["train.dtype", "method.share", "log", "seed"]
)
def test_validate_names_what_is_missing(field):
  config = presets.base().to_dict()
  section, _, name = field.rpartition(".")
  del (config[section] if section else config)[name]
  with pytest.raises(ValueError, match=f"missing.*no {field}"):
    validate.validate(ConfigDict(config))


def test_wrong_flags_are_found_by_validate():
  flags = ["--config=configs/nyu_jtr.py", "--config.train.batchsize=4"]
  with pytest.raises(ValueError, match=r"Did you mean 'train\.batch_size'"):
    validate.validate(config_files.from_flags(flags))


@pytest.mark.parametrize(
  "word",
  [
    "--config.train.steps=3",
    "--config.method.weight=1",
    "-config.model.filters",
    "--noconfig.augment.flip",
    "--config.tasks=('a.b',)",
    "--config.traim=3",  # a field, which `validate` refuses
    "--config=configs/nyu_jtr.py",
    "--workdir=runs/config.d.e",
  ],
)
def test_sections_of_flags_are_known(word):
  flag.check_sections(["program", word])


@pytest.mark.parametrize(
  ("word", "error"),
  [
    ("--config.optimiser.name=adam", "section.*'optimiser'.*'optimizer'"),
    ("--noconfig.augmentt.flip", "'augmentt'.*Did you mean 'augment'"),
    ("-config.train.stops.x", r"'train\.stops'.*Did you mean 'train'"),
    ("--config.seed.x=1", "Unknown section.*'seed'"),
  ],
)
def test_unknown_sections_of_flags_are_named(word, error):
  with pytest.raises(ValueError, match=error):
    flag.check_sections(["program", word])
