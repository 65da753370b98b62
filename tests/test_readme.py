"""Every command and every file description in the README runs."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jtr_jax.config import registry
from jtr_jax.core.types import Label
from jtr_jax.data.datasets import folder_description
from tests import ROOT, small_config, wheel
from tests.data.datasets import nyuv2_tree

README = (ROOT / "README.md").read_text()

# What makes a training command small; its meaning stays. Commands that differ
# in nothing else share a compilation.
TINY = [
  "--config.train.steps=1",
  "--config.train.batch_size=2",
  "--config.model.filters=(2,2)",
  "--config.evaluate.batch_size=2",
  "--config.evaluate.pictures=1",
  "--config.data.size=(32,32)",
  "--config.optimizer.learning_rate=1e-4",
  "--config.optimizer.decay_epochs=10",
]
TINY_ROOMS = ["--config.data.train_count=6", "--config.data.val_count=2"]


def blocks(language: str) -> list[str]:
  """Return the fenced blocks of a language."""
  return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
  """Return the command lines of the README, without comments."""
  lines = "\n".join(blocks("sh")).splitlines()
  return [line.split("#")[0].strip() for line in lines if line.strip()]


(MY_LAB,) = (block for block in blocks("python") if "# my_lab.py" in block)
COMMANDS = commands()
PROGRAMS = [line for line in COMMANDS if line.startswith("python -m")]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
  """The program as pip installs it: the configs are those of the wheel."""
  return wheel.install(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  """A place with what the README's commands expect to find."""
  place = tmp_path_factory.mktemp("readme")
  (place / "tests").symlink_to(ROOT / "tests")
  write_photos(place / "my_photos")
  nyuv2_tree.write(place / "nyuv2_files", train=6, val=2)
  (place / "my_lab.py").write_text(MY_LAB)
  return place


def write_photos(root: Path) -> None:
  draw = np.random.default_rng(0)
  (root / "train").mkdir(parents=True)
  (root / "tasks.toml").write_text(blocks("toml")[0])
  for split, ids in {"train": ("1", "2", "3", "4"), "val": ("9",)}.items():
    for name in ("image", "segmentation", "depth"):
      (root / split / name).mkdir(parents=True, exist_ok=True)
    for number in ids:
      image = draw.integers(0, 256, (32, 32, 3), np.uint8)
      classes = draw.integers(0, 4, (32, 32)).astype(np.uint8)
      depth = draw.integers(500, 5000, (32, 32)).astype(np.uint16)
      Image.fromarray(image).save(root / split / f"image/{number}.jpg")
      if number != "2":
        Image.fromarray(classes).save(
          root / split / f"segmentation/{number}.png"
        )
      if number != "1":
        Image.fromarray(depth).save(root / split / f"depth/{number}.png")


def shrunk(command: str) -> list[str]:
  """Return the arguments of a command, made small if it computes much."""
  arguments = shlex.split(command)[1:]
  if "jtr_jax.verify" in arguments:  # tests/verify recomputes the long one
    return [word for word in arguments if "step" not in word]
  if "jtr_jax.benchmark" in arguments:
    return [*arguments, *TINY, "--runs=2"]
  trains = {"jtr_jax.main", "run"} & set(arguments)
  if not trains or "--mode=evaluate" in arguments:
    return arguments
  is_rooms = "rooms" in command
  return [*arguments, *TINY, *(TINY_ROOMS if is_rooms else [])]


@pytest.mark.parametrize("command", PROGRAMS)
def test_program_of_the_readme_runs(home, folder, command):
  _, module, *words = shrunk(command)
  process = small_config.start(module, *words, home=home, cwd=folder)
  _, shown = process.communicate()
  assert process.returncode == 0, shown[-3000:]
  for path in re.findall(r"--workdir=(\S+)", command):
    assert list((folder / path).rglob("pictures/predictions.png"))


def test_make_targets_of_the_readme_exist():
  targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
  named = [line.split()[1] for line in COMMANDS if line.startswith("make")]
  assert named
  assert set(named) <= set(targets)


def test_help_lists_every_target():
  listed = subprocess.run(
    ["make", "--silent", "help"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
  ).stdout
  phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
  assert re.findall(r"^make (\S+)  +\w", listed, re.M) == phony[1].split()


def test_every_command_is_tested():
  assert all(line in PROGRAMS or line.startswith("make") for line in COMMANDS)
  assert len(PROGRAMS) > 8


def test_task_description_is_toml():
  assert set(tomllib.loads(blocks("toml")[0])) == {"segmentation", "depth"}


def test_an_own_kind_of_task_has_the_loss_that_its_class_says(
  tmp_path, monkeypatch
):
  (tmp_path / "my_lab.py").write_text(MY_LAB)
  (tmp_path / "tasks.toml").write_text(blocks("toml")[1])
  monkeypatch.syspath_prepend(tmp_path)
  described = folder_description.read_tasks(tmp_path / "tasks.toml")
  task = registry.make_task("depth", described["depth"].options)
  assert task.threshold == 0.2
  errors = np.array([0.1, 1.0, 5.0], np.float32).reshape(1, 1, 3, 1)
  valid = np.array([[[True, True, False]]])
  label = Label(np.zeros_like(errors), valid, np.array([True]))
  loss = task.loss(jnp.asarray(errors), label)
  np.testing.assert_allclose(loss.sum, [0.1**2 / 0.4 + 0.9], rtol=1e-6)
  sys.modules.pop("my_lab")


def test_links_lead_somewhere():
  targets = re.findall(r"\]\(([^)#]+)", README)
  local = [target for target in targets if "://" not in target]
  assert local
  missing = [target for target in local if not (ROOT / target).exists()]
  assert not missing


def test_network_of_the_readme_predicts(folder, monkeypatch):
  (example,) = (block for block in blocks("python") if "load(" in block)
  assert len(example.splitlines()) < 12
  monkeypatch.chdir(folder)
  Image.new("RGB", (50, 40)).save("photo.jpg")
  names = {}
  exec(compile(example, "README.md", "exec"), names)
  assert names["classes"].shape == (40, 50)
  assert names["metres"].shape == (40, 50, 1)


def test_balancing_example_trains_both_tasks():
  (example,) = (block for block in blocks("python") if "pcgrad" in block)
  assert len(example.split("\n\n")) < 10
  names = {}
  exec(compile(example, "README.md", "exec"), names)
  first = names["objectives"](
    {
      "net": names["net"].init(jax.random.key(1), names["x"]),
      "log_variance": jnp.zeros(2),
    }
  )
  assert np.all(names["objectives"](names["params"]) < first - 0.1)
