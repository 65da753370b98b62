"""Fields of further sources of images."""

import pytest

from jtr_jax.config import presets, resolve


@pytest.mark.parametrize(
  ("field", "value", "error"),
  [
    ("per_batch", -1, "photos.per_batch.*at least 0"),
    ("images", "labeled", "photos.images.*Did you mean 'labelled'"),
    ("name", "rums", "Did you mean 'rooms'"),
    ("size", (0, 32), "photos.size.*height and width"),
    ("scenario", "onelable", "Did you mean 'onelabel'"),
    ("direktory", "x", "Did you mean 'data.sources.photos.directory'"),
  ],
)
def test_fields_of_sources_are_checked(field, value, error):
  config = presets.add_source(presets.base(), "photos", 1)
  resolve.resolve(config)
  with config.unlocked():
    config.data.sources.photos[field] = value
  with pytest.raises(ValueError, match=error):
    resolve.resolve(config)


def test_unknown_field_of_a_source_names_the_nearest():
  with pytest.raises(ValueError, match="Did you mean 'tasks'"):
    presets.add_source(presets.base(), "photos", 1, task=("depth",))
  config = presets.add_source(presets.base(), "main", 1)
  with pytest.raises(ValueError, match="other than main"):
    resolve.resolve(config)


def test_fields_not_given_follow_the_data():
  config = presets.add_source(presets.base(), "more", 1, split_seed=5)
  presets.add_source(config, "other", 1, directory="there")
  config.data.directory = "elsewhere"
  config.data.split_seed = 3
  config.data.scenario = "onelabel"
  config.data.size = (96, 128)
  own, other = config.data.sources.more, config.data.sources.other
  assert (own.directory, own.split_seed, own.eval_split) == ("elsewhere", 5, "")
  assert (other.directory, other.split_seed) == ("there", 0)
  assert (own.scenario, other.scenario) == ("onelabel", "found")
  assert own.size == other.size == (96, 128)
  settings = resolve.resolve(config)
  assert resolve.resolve(resolve.to_plain(settings)) == settings
  assert settings.data.sources["more"].directory == "elsewhere"
