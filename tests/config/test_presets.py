import pytest

from jtr_jax.config import presets, resolve
from jtr_jax.methods import variants
from jtr_jax.methods.jtr import settings as jtr_settings
from tests import config_files


def test_jtr_variants_are_spelt_out_and_single_fields_changed():
  config = presets.use_method(
    presets.base(), "jtr", variant="official", dist_weight=1.0
  )
  assert config.method.label_weighting == "sum"
  assert config.method.hole == "encoded_zero"
  assert config.method.separate_views
  assert config.method.dist_weight == 1.0
  own = {
    "name",
    "autoencoder_filters",
    "autoencoder_statistics",
    "autoencoder_unpooling",
  }
  assert set(config.method) == own | set(variants.flat(jtr_settings.PAPER))


def test_another_method_brings_its_own_groups_of_the_optimizer():
  config = presets.use_method(presets.base(), "mtpsl", variant="official")
  assert config.method.pair_weighting == "sum"
  assert config.optimizer.film_learning_rate == 1e-3
  assert config.optimizer.film_decay_epochs == 30
  resolve.resolve(config)
  config = presets.use_method(config, "supervised")
  assert not [field for field in config.optimizer if "film" in field]
  resolve.resolve(config)


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


@pytest.mark.parametrize(
  ("name", "epochs", "batch", "decay", "colours"),
  [
    ("jtr", 400, 4, 200, 2),  # train_nyuv2.py
    ("mtpsl", 200, 2, 100, 0),  # nyu_mtl_xtc.py
    ("supervised", 200, 2, 100, 0),  # nyu_mtl_sl.py
    ("stl", 200, 2, 100, 0),  # nyu_stl_sl.py
    ("must", 200, 2, 100, 0),
    ("direct_map", 200, 2, 100, 0),
    ("consistency", 200, 2, 100, 2),  # its views differ in colour alone
  ],
)
def test_official_variant_is_the_setting_of_the_released_program(
  name, epochs, batch, decay, colours
):
  own = config_files.settings(f"nyu_{name}", "variant=official")
  assert (own.train.epochs, own.train.batch_size) == (epochs, batch)
  assert own.optimizer.decay_epochs == decay
  assert own.augment.colour_ops == colours
  assert own.augment.normal_resize == "official"
  assert own.method.fields["label_weighting"] == "sum"


@pytest.mark.parametrize("name", ["jtr", "mtpsl", "supervised", "stl"])
def test_paper_variant_is_the_setting_of_the_paper(name):
  """JTR, Table 6, Sec. 4.1 and 6.2; the learning rate falls as MTPSL's."""
  own = config_files.settings(f"nyu_{name}")
  assert (own.train.epochs, own.train.batch_size) == (300, 4)
  assert (own.optimizer.learning_rate, own.optimizer.decay_epochs) == (
    1e-4,
    100,
  )
  assert own.augment.colour_ops == 2
  assert own.method.fields["label_weighting"] == "image"


def test_epochs_of_the_argument_come_before_those_of_the_variant():
  own = config_files.settings("nyu_mtpsl", "variant=official,epochs=7")
  assert (own.train.epochs, own.train.batch_size) == (7, 2)


def test_a_laptop_keeps_its_schedule_and_takes_the_released_method():
  own = config_files.settings("rooms_mtpsl", "variant=official")
  assert (own.train.epochs, own.train.batch_size) == (30, 4)
  assert own.optimizer.decay_epochs == 15
  assert own.augment.colour_ops == 2
  assert own.augment.normal_resize == "official"
  assert own.method.fields["pair_weighting"] == "sum"


def test_released_single_tasks_walk_all_images():
  kind = lambda arg: config_files.settings("nyu_stl", arg).experiment
  assert kind("variant=official").single_task_images == "all"
  assert kind("").single_task_images == "labelled"


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


def test_an_optimizer_takes_its_own_fields_and_those_of_the_section():
  config = presets.base()
  presets.use_optimizer(config, "adam", weight_decay=0.1, learning_rate=2e-3)
  presets.use_optimizer(config, "sgd", nesterov=True, schedule="poly")
  own = resolve.resolve(config).optimizer
  assert own.rule.fields == {
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 0.0,
    "decayed": "kernels",
  }
  assert (own.learning_rate, own.schedule) == (2e-3, "poly")
  assert own.decay_epochs == 100


def test_an_unknown_field_of_an_optimizer_names_the_nearest():
  with pytest.raises(ValueError, match="Did you mean 'momentum'"):
    presets.use_optimizer(presets.base(), "sgd", momentm=0.5)
