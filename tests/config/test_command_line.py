import pytest

from jtr_jax.config import command_line
from tests import config_files

FILE = str(config_files.ROOT / "configs" / "rooms_jtr.py")


def settings(*fields, arg=""):
  return command_line.settings(f"{FILE}:{arg}", fields)


def test_words_become_fields():
  words = [
    "program",
    "--config=a.py:b",
    "--config.a.b=c=d",
    "--config.e.f",
    "3",
    "--config.g",
    "--noconfig.h.i",
    "-config.j=",
    "--workdir=config.k.l=m",
  ]
  assert command_line.without_dots(words) == [
    "program",
    "--config=a.py:b",
    "--config_field=a.b=c=d",
    "--config_field=e.f=3",
    "--config_field=g=true",
    "--config_field=h.i=false",
    "--config_field=j=",
    "--workdir=config.k.l=m",
  ]


def test_fields_are_read_by_their_types():
  found = settings(
    "train.epochs=3",
    "optimizer.learning_rate=1e-2",
    "optimizer.clip_norm=2",
    "augment.flip=true",
    "model.filters=(4, 8)",
    "tasks=('depth',)",
    "data.scenario_tasks=depth+normals",
    "evaluate.baseline=",
    "method.distance=l1",
    "train.dtype=bfloat16",
  )
  assert found.train.epochs == 3
  assert found.optimizer.learning_rate == 0.01
  assert found.optimizer.clip_norm == 2.0
  assert found.augment.flip
  assert found.model.network.fields["filters"] == (4, 8)
  assert found.method.fields["autoencoder_filters"] == (4, 8)  # follows
  assert found.tasks == ("depth",)
  assert found.data.scenario_tasks == ("depth", "normals")
  assert found.evaluate.baseline == ""
  assert found.method.fields["distance"] == "l1"
  assert found.train.dtype == "bfloat16"


def test_the_last_flag_for_a_field_counts():
  assert settings("tasks=depth", "tasks=normals").tasks == ("normals",)


@pytest.mark.parametrize(
  ("field", "error"),
  [
    ("train.epochs=many", "train.epochs.*'many'.*a whole number, more than 0"),
    ("train.epochs=3.5", "train.epochs.*'3.5'.*a whole number"),
    ("optimizer.learning_rate=fast", "'fast'.*a finite number, more than 0"),
    ("optimizer.learning_rate=-1", "learning_rate.*more than 0"),
    ("augment.flip=perhaps", "'perhaps'.*true or false"),
    ("model.filters=(4", r"'\(4'.*a tuple of int"),
    ("data.size=48", r"\(48,\).*a tuple of 2 int"),
    ("train.dtype=bfloat", "Did you mean 'bfloat16'"),
    ("train.batchsize=4", "Did you mean 'train.batch_size'"),
    ("method.share=sum", "Did you mean 'method.label_weighting'"),
    ("balancing.task_loss=share", "'share'.*one of mean, term"),
    ("train.bs=4", "Did you mean 'train.batch_size'"),
    ("optimizer.lr=1", "Did you mean 'optimizer.learning_rate'"),
    ("train.lr=1", "Did you mean"),
    ("train.max_steps=4", "Did you mean 'train.steps'"),
    ("optim.lr=1", "section.*Did you mean 'optimizer'"),
    ("optimiser.name=adam", "section.*'optimiser'.*'optimizer'"),
    ("traim=3", "Did you mean 'train'"),
    ("train=3", "config.train cannot be used.*config.train.batch_size"),
    ("seed.x=1", "Unknown section.*'seed'"),
    ("lr=1", "Did you mean 'optimizer.learning_rate'"),
    ("data.name=nyuv3", "Did you mean 'nyuv2'"),
    ("method.name=jtrr", "Did you mean 'jtr'"),
  ],
)
def test_a_wrong_field_is_named(field, error):
  with pytest.raises(ValueError, match=error):
    settings(field)


@pytest.mark.parametrize(
  ("field", "advice"),
  [
    ("balancing.loss.name=uw", r"FILE:balancing=uw, after the file's colon"),
    ("balancing.gradient.name=pcgrad", "FILE:balancing=pcgrad"),
    ("method.name=mtpsl", r"rooms_mtpsl\.py.*folder_jtr\.py:method=mtpsl"),
    ("stages.plan=stl", r"Write --config\.experiment\.kind=stl"),
    ("stages.confidence=0.3", r"Write --config\.experiment\.confidence=0\.3"),
  ],
)
def test_advice_says_what_to_write(field, advice):
  with pytest.raises(ValueError, match=advice):
    settings(field)


def test_the_name_that_is_there_already_may_be_repeated():
  assert settings("method.name=jtr", "balancing.loss.name=uniform")


def test_a_scenario_given_as_a_field_is_one_given_as_an_argument():
  scenario = "randomlabels+unlabelled30"
  as_field = settings(f"data.scenario={scenario}")
  assert as_field == settings(arg=f"scenario={scenario}")
  assert as_field.data.images == "labelled"
  assert as_field.data.sources["unlabelled"].images == "unlabelled"
  assert as_field.method.fields["unlabelled"] == "consistency"


def test_fields_given_beside_a_scenario_count():
  found = settings(
    "data.scenario=onelabel+unlabelled30",
    "data.images=all",
    "method.unlabelled=none",
    "data.sources.unlabelled.per_batch=2",
  )
  assert found.data.images == "all"
  assert found.method.fields["unlabelled"] == "none"
  assert found.data.sources["unlabelled"].per_batch == 2


def test_a_scenario_without_unlabelled_images_takes_their_source_away():
  found = settings("data.scenario=onelabel", arg="randomlabels+unlabelled30")
  assert found == settings(arg="onelabel")
