"""Config files, their arguments and fields that cannot be used."""

from tests import config_files, small_config
from tests.inputs.rows import rows

CONFIGS = f"{config_files.ROOT}/configs"
SMALL = " ".join(
  f"'--config.{name}={value}'" for name, value in small_config.FIELDS.items()
)
ROOMS = (
  f"--config={CONFIGS}/rooms_demo.py:tasks=segmentation+depth {SMALL} "
  "--config.data.directory=rooms --workdir=new"
)
"""A command that would train."""


def arguments(file, *table):
  """Return rows of what follows the colon of a config file."""
  return rows(
    "main",
    *(
      (f"--config={CONFIGS}/{file}.py:{words} --workdir=new", *rest)
      for words, *rest in table
    ),
  )


def fields(*table):
  """Return rows of a field added to a command that would train."""
  return rows(
    "main", *((f'{ROOMS} "--config.{words}"', *rest) for words, *rest in table)
  )


def file_of(text, name="mine.py"):
  """Return what writes a config file."""

  def make(here):
    (here / name).write_text(text)

  return make


AFTER_THE_COLON = [
  *arguments(
    "rooms_jtr",
    ("foo=1", "Unknown config argument", "'foo'"),
    ("seed=abc", "'seed'", "'abc'"),
    ("seed=-1", "seed", "-1", "at least 0"),
    ("seed=4294967296", "4294967296", "at most 4294967295"),
    ("seed=1,seed=2", "two values"),
    ("seed", "onelabel"),
    ("tasks=depth,normals", "depth+normals"),
    ("tasks=depth+depth", "every task once"),
    ("tasks=depht", "Did you mean 'depth'"),
    ("tasks=depth", "JTR relates tasks", "'depth' alone"),
    ("balancing=PCGrad", "Did you mean 'pcgrad'"),
    ("balancing=pcgrad+uw", "not a pair"),
    ("balancing=my.lab:None", "cannot be imported"),
    ("variant=offical", "Did you mean 'official'"),
    ("scenario=twolabels", "Did you mean"),
    ("scenario=full+unlabelled0", "unknown form"),
    ("scenario=full+unlabelled100", "unknown form"),
    ("onelable", "Did you mean 'onelabel'"),
    ("steps=-3", "config.train.steps", "-3"),
    ("steps=1.5", "'1.5'"),
    ("steps=100000000000000000000000", "at most 2147483647"),
    ("epochs=1000000000000000000000000", "at most 2147483647"),
    ("epochs=-1", "config.train.epochs"),
    ("epochs=zehn", "'zehn'"),
    ("extended=nowhere", "no prepared data set in nowhere"),
    ("extended=~/x", "no shell has expanded"),
    ("extended=s3://bucket/x", "the URL"),
    ("=", "''"),
    ("scenario=", "label scenario"),
  ),
  *arguments(
    "folder_jtr",
    ("size=16", "height and width"),
    ("size=16x", "''"),
    ("size=axb", "'a'"),
    ("size=-4x8", "config.data.size", "(-4, 8)"),
    ("size=0x8", "config.data.size", "height and width"),
    ("size=100000x100000", "at most 32768"),
    ("raw=nowhere,directory=prepared", "nowhere"),
    ("raw=mine,method=jtrr", "Did you mean 'jtr'"),
    ("raw=mine,laptop=maybe", "'maybe'"),
    ("raw=mine,method=my_lab:smooth", "cannot be imported", "my_lab"),
    ("raw=~/photos", "no shell has expanded"),
    ("raw=gs://bucket/x", "the URL"),
    ("raw=mine,tasks=depth+sky", "'sky'"),
  ),
  *arguments(
    "nyu_jtr",
    ("data=nyu", "Did you mean 'nyuv2'"),
    ("", "nyuv2 is not prepared", "prepare nyuv2"),
  ),
  *arguments(
    "rooms_must",
    ("teachers=nowhere", "nowhere"),
    ("teacher=x", "Did you mean 'teachers'"),
  ),
]

FILES = rows(
  "main",
  ("--config=nowhere.py --workdir=new", "nowhere.py", "no such file"),
  ("--config=folder --workdir=new", "a folder"),
  ("--config=text --workdir=new", "another ending than .py"),
  ("--config= --workdir=new", "no such file"),
  (
    "--config=mine_1.py --workdir=new",
    "SyntaxError in line 2",
    file_of("def get_config(arg):\n  return {'a': 1\n", "mine_1.py"),
  ),
  (
    "--config=mine_2.py --workdir=new",
    "no function get_config",
    file_of("x = 1\n", "mine_2.py"),
  ),
  (
    "--config=mine_3.py --workdir=new",
    "ZeroDivisionError in line 2",
    file_of("def get_config(arg=''):\n  return 1 / 0\n", "mine_3.py"),
  ),
  (
    "--config=mine_4.py --workdir=new",
    "returns a dict",
    file_of("def get_config(arg=''):\n  return {}\n", "mine_4.py"),
  ),
  (
    "--config=mine_5.py --workdir=new",
    "TypeError",
    file_of("def get_config():\n  return {}\n", "mine_5.py"),
  ),
  (
    "--config=mine_6.py --workdir=new",
    "ModuleNotFoundError in line 1",
    file_of("import nothing_of_this_name\n", "mine_6.py"),
  ),
  (
    "--config=mine_7.py --workdir=new",
    "no train",
    file_of(
      "from jtr_jax.config import presets\n\n"
      "def get_config(arg=''):\n  c = presets.base()\n  del c.train\n"
      "  return c\n",
      "mine_7.py",
    ),
  ),
  (
    "--config=mine_8.py --workdir=new",
    "SystemExit",
    file_of("raise SystemExit(3)\n", "mine_8.py"),
  ),
  (
    "--config=mine_9.py --workdir=new",
    "RecursionError",
    file_of("def get_config(arg=''):\n  return get_config()\n", "mine_9.py"),
  ),
  (
    "--config=mine_10.py --workdir=new",
    "null bytes",
    lambda here: (here / "mine_10.py").write_bytes(b"x = 1\0\n"),
  ),
  (
    "--config=mine_11.py --workdir=new",
    "SyntaxError",
    lambda here: (here / "mine_11.py").write_bytes(b"x = '\xff\xfe'\n"),
  ),
  ("--config=broken_link --workdir=new", "no such file"),
)

FIELDS = fields(
  ("train.stpes=3", "Did you mean 'train.steps'"),
  ("optimiser.name=adam", "Did you mean 'optimizer'"),
  ("optimizer.lr=1", "optimizer.learning_rate"),
  ("train=3", "one of its fields"),
  ("train.steps", "'true'"),
  ("train.steps=", "a whole number"),
  ("train.steps=many", "'many'"),
  ("train.steps=1e3", "'1e3'"),
  ("train.steps=-1", "-1"),
  ("train.steps=nan", "'nan'"),
  (f"train.steps={10**23}", "at most 2147483647"),
  (f"train.epochs={10**24}", "at most 2147483647"),
  ("train.epochs=2147483647", "more updates than can be counted"),
  ("train.epochs=0", "more than 0"),
  ("train.batch_size=0", "at least 1"),
  ("train.batch_size=-4", "-4"),
  (f"train.batch_size={10**8}", "at most 65536"),
  ("train.batch_size=4.5", "'4.5'"),
  ("train.dtype=float16", "Did you mean 'bfloat16'"),
  ("train.steps_per_dispatch=0", "at least 1"),
  (f"train.steps_per_dispatch={10**9}", "at most 100000"),
  ("train.patience=-1", "at least 0"),
  (f"evaluate.batch_size={10**8}", "at most 65536"),
  ("evaluate.batch_size=0", "at least 1"),
  ("evaluate.every_epochs=0", "more than 0"),
  (f"evaluate.pictures={10**9}", "at most 256"),
  ("evaluate.metric=depth/miou", "config.evaluate.metric"),
  ("evaluate.metric=nothing", "config.evaluate.metric"),
  ("evaluate.baseline=nowhere.json", "nowhere.json"),
  ("evaluate.baseline=folder", "a folder"),
  ("evaluate.baseline=binary", "binary"),
  ("evaluate.baseline=list.json", "list.json"),
  ("evaluate.baseline=empty", "empty"),
  (
    "evaluate.baseline=jtr_nyuv2_onelabel_slt",
    "Did you mean 'jtr_nyuv2_onelabel_stl'",
  ),
  ("log.every_steps=0", "more than 0"),
  ("checkpoint.keep_latest=0", "more than 0"),
  ("checkpoint.keep_best=-1", "at least 0"),
  ("checkpoint.every_epochs=-5", "more than 0"),
  ("seed=4294967296", "at most 4294967295"),
  ("seed=-1", "at least 0"),
  ("seed=0x10", "'0x10'"),
  ("data.split_seed=-1", "at least 0"),
  ("data.size=(0,8)", "(0, 8)"),
  ("data.size=8", "a tuple of 2 int"),
  ("data.size=(8,8,8)", "a tuple of 2 int"),
  ("data.size=(1000000,1000000)", "at most 32768"),
  ("data.size=('a','b')", "a tuple of 2 int"),
  ("data.train_count=-1", "at least 0"),
  ("data.train_count=7", "Another data set", "train 8"),
  ("data.name=romms", "Did you mean 'rooms'"),
  ("data.name=nowhere.py:reader", "cannot be imported"),
  ("data.directory=", "nothing"),
  ("data.directory=s3://bucket/rooms", "the URL"),
  ("data.directory=~/rooms", "no shell has expanded"),
  ("data.directory=text", "text"),
  ("data.train_split=trian", "Did you mean 'train'"),
  ("data.eval_split=vall", "Did you mean 'val'"),
  ("data.eval_split=", "nothing to evaluate on"),
  ("data.images=some", "all, labelled, unlabelled"),
  ("data.images=unlabelled", "can take part"),
  ("data.placement=gpu", "auto, device, stream"),
  ("data.workers=-1", "at least 0"),
  ("data.workers=1000000", "at most 1024"),
  ("data.scenario=half", "label scenario"),
  ("data.scenario_tasks=('sky',)", "'sky'"),
  ("data.split_file=nowhere.txt", "nowhere.txt"),
  ("data.split_file=folder", "a folder"),
  ("data.split_file=binary", "not text"),
  ("data.split_file=empty", "empty"),
  ("data.split_file=text", "text, line 1"),
  ("data.sources.extra.per_batch=1", "extra"),
  ("model.filters=(100000000,4)", "at most 16384"),
  ("model.filters=(16384,16384,16384)", "would not fit into memory"),
  ("model.filters=()", "at least one element"),
  ("model.filters=(0,4)", "at least 1"),
  ("model.filters=4x4", "a tuple of int"),
  ("model.name=segnett", "Did you mean 'segnet'"),
  ("model.nothing=1", "model.nothing"),
  ("method.name=mtpsl", "configs/rooms_mtpsl.py"),
  ("method.dist_weight=-1", "at least 0"),
  ("method.dist_weight=nan", "a finite number"),
  ("method.dist_weight=1e39", "at most 3e+38"),
  ("balancing.loss.name=uw", "balancing=uw, after the"),
  ("balancing.gradient.name=cagrad", "balancing=cagrad"),
  ("balancing.scope=heads", "balancing.scope"),
  ("balancing.primary=sky", "primary"),
  ("balancing.held_out=1", "less than 1"),
  ("balancing.learning_rate=0", "more than 0"),
  ("optimizer.learning_rate=0", "more than 0"),
  ("optimizer.learning_rate=inf", "a finite number"),
  ("optimizer.learning_rate=1e30", "at most 1000000"),
  ("optimizer.name=adan", "Did you mean 'adam'"),
  ("optimizer.name=optax:nothing", "'nothing'"),
  ("optimizer.schedule=cosinus", "Did you mean 'cosine'"),
  ("optimizer.power=2", "would be ignored", "optimizer.schedule=poly"),
  ("optimizer.frozen=encoder[", "Did you mean 'encoder'"),
  ("optimizer.frozen=nothing/*", "nothing/*"),
  ("optimizer.accumulate=0", "at least 1"),
  ("augment.scales=(1000,)", "at most 8"),
  ("augment.scales=(0.5,)", "at least 1"),
  ("augment.scales=()", "at least one element"),
  ("augment.colour_bins=(99,)", "at most 30"),
  ("augment.colour_ops=100000", "at most 64"),
  ("augment.flip=yes", "'yes'"),
  ("experiment.kind=primary", "Did you mean 'primaries'"),
  ("experiment.kind=primaries", "primary task", "balancing=ial"),
  ("experiment.kind=grid", "weights to search"),
  ("experiment.teachers=('run',)", "would be ignored"),
  ("experiment.confidence=2", "at most 1"),
  ("stages.plan=stl", "--config.experiment.kind=stl"),
  ("tasks=('segmentatoin',)", "Did you mean 'segmentation'"),
  ("tasks=('depth',)", "JTR relates tasks"),
  ("tasks=(1,)", "a tuple of str"),
  ("tasks=(", "a tuple of str"),
)

CONFIG = [*AFTER_THE_COLON, *FILES, *FIELDS]
