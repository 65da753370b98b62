import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtr_jax
from jtr_jax.config import saved, trained
from jtr_jax.data.loading import pipeline
from jtr_jax.data.loading.examples import to_images
from jtr_jax.data.records import prepared
from jtr_jax.experiment import setup
from jtr_jax.inference import load as load_lib
from jtr_jax.inference import member, model, whole, windows
from jtr_jax.inference.options import Options
from jtr_jax.tasks.depth import Depth
from jtr_jax.tasks.normals import Normals
from jtr_jax.tasks.segmentation import Segmentation
from tests import untrained_run


@pytest.fixture(scope="module")
def folder(rooms, tmp_path_factory):
  return untrained_run.make(rooms, tmp_path_factory.mktemp("run") / "a")


@pytest.fixture(scope="module")
def loaded(folder):
  return jtr_jax.load(folder)


@pytest.fixture(scope="module")
def experiment(folder):
  return setup.make_experiment(saved.read(folder), folder)


def image(height, width, seed=0):
  draw = np.random.default_rng(seed)
  return draw.integers(0, 256, (height, width, 3), np.uint8)


def content(folder):
  return {
    path: (path.stat().st_mtime_ns, path.stat().st_size)
    for path in folder.rglob("*")
  }


def test_images_of_the_data_are_predicted_as_in_evaluation(loaded, experiment):
  restored = setup.restore_state(experiment, "best").state
  examples, _ = next(pipeline.evaluation_batches(experiment.data.evaluated, 4))
  expected, _ = experiment.net.predict(
    *restored.to_evaluate, to_images(examples), train=False
  )
  values = loaded.predict(np.asarray(examples.image))
  assert list(values) == ["segmentation", "depth", "normals"]
  for task in experiment.tasks:
    wanted = task.output_value(np.asarray(expected[task.name]))
    np.testing.assert_allclose(values[task.name], wanted, atol=1e-4)


def test_no_data_is_needed_and_nothing_is_written(folder, tmp_path):
  copy = shutil.copytree(folder, tmp_path / "copy")
  config = json.loads((copy / "config.json").read_text())
  config["config"]["data"]["directory"] = str(tmp_path / "nowhere")
  (copy / "config.json").write_text(json.dumps(config))
  before = content(copy)
  values = jtr_jax.load(copy, which="latest").predict(image(20, 31))
  assert values["segmentation"].shape == (20, 31)
  assert values["depth"].shape == (20, 31, 1)
  assert content(copy) == before
  assert not (tmp_path / "nowhere").exists()


def test_runs_of_older_programs_ask_their_data(folder, rooms, tmp_path):
  copy = shutil.copytree(folder, tmp_path / "copy")
  new = trained.restore(copy, "best")
  (copy / "network.json").unlink()
  old = trained.restore(copy, "best")
  assert old.tasks == new.tasks
  assert old.about.size == new.about.size == (32, 32)
  config = json.loads((copy / "config.json").read_text())
  config["config"]["data"]["directory"] = str(tmp_path / "nowhere")
  (copy / "config.json").write_text(json.dumps(config))
  with pytest.raises(ValueError, match="does not say what its tasks are"):
    trained.restore(copy, "best")


def test_averages_are_what_is_restored(rooms, tmp_path):
  made = untrained_run.make(rooms, tmp_path / "run", optimizer__average=0.9)
  restored = trained.restore(made, "latest")
  experiment = setup.make_experiment(saved.read(made), made)
  state = setup.restore_state(experiment, "latest").state
  params, model_state = state.to_evaluate
  for name, part in restored.params.items():
    jax.tree.map(np.testing.assert_array_equal, part, params[name])
    jax.tree.map(
      np.testing.assert_array_equal,
      restored.model_state[name],
      model_state[name],
    )


@pytest.mark.parametrize("kind", ["float", "one of several"])
def test_forms_of_images_agree(loaded, kind):
  pixels = image(40, 30)
  expected = loaded.predict(pixels)
  if kind == "float":
    found = loaded.predict(pixels / 255)
  else:
    many = loaded.predict(np.stack([image(40, 30, 1), pixels]))
    found = {name: value[1] for name, value in many.items()}
  for name, value in expected.items():
    np.testing.assert_allclose(found[name], value, atol=1e-5)


@pytest.mark.parametrize(
  "bad",
  [
    np.zeros((4, 4)),
    np.zeros((4, 4, 4), np.uint8),
    np.full((4, 4, 3), 2.0),
    np.full((4, 4, 3), np.nan),
    np.zeros((0, 4, 3), np.uint8),
    np.zeros((4, 4, 3), np.int32),
  ],
)
def test_what_is_no_image_is_refused(loaded, bad):
  with pytest.raises(ValueError, match="no image that can be predicted"):
    loaded.predict(bad)


def test_flip_of_a_mirrored_image_mirrors_the_values(loaded):
  pixels = image(32, 32)
  straight = loaded.predict(pixels, flip=True)
  turned = loaded.predict(pixels[:, ::-1], flip=True)
  np.testing.assert_allclose(
    turned["depth"][:, ::-1], straight["depth"], atol=1e-5
  )
  back = turned["normals"][:, ::-1] * np.array([-1, 1, 1])
  np.testing.assert_allclose(back, straight["normals"], atol=1e-4)
  plain = loaded.predict(pixels)
  assert np.abs(plain["depth"] - straight["depth"]).max() > 1e-4


def test_one_window_is_the_whole_image(loaded):
  pixels = image(32, 32)
  whole_image, window = (
    loaded.predict(pixels, windows=choice) for choice in (False, True)
  )
  for name, value in whole_image.items():
    np.testing.assert_allclose(window[name], value, atol=1e-5)


@pytest.mark.parametrize("size", [(20, 70), (33, 32), (64, 48)])
def test_windows_cover_images_of_any_size(size):
  pixels = image(*size)
  cut = windows.cut(pixels, (32, 32))
  joined = windows.join(cut, cut.tiles.astype(np.float32))
  np.testing.assert_allclose(joined, pixels, atol=1e-3)


def test_windows_overlap_by_half():
  corners = windows.cut(image(64, 40), (32, 32)).corners
  assert corners == ((0, 0), (0, 8), (16, 0), (16, 8), (32, 0), (32, 8))


def test_padded_images_come_back_without_their_border():
  pixels = image(10, 40)
  placed = whole.place(pixels, (32, 32), "pad")
  assert placed.image.shape == (32, 32, 3)
  assert placed.inner == (8, 32)
  field = np.zeros((8, 32, 1), np.float32)
  (block,) = whole.row_blocks(field, (10, 40))
  assert block.shape == (10, 40, 1)


def test_row_blocks_are_one_resized_picture():
  ramp = np.linspace(0, 1, 40, dtype=np.float32).reshape(40, 1, 1)
  field = np.broadcast_to(ramp, (40, 3, 1))
  blocks = list(whole.row_blocks(field, (600, 5)))
  assert [len(block) for block in blocks] == [256, 256, 88]
  joined = np.concatenate(blocks)[:, 2, 0]
  assert np.all(np.diff(joined) >= -1e-6)
  assert joined[[0, -1]] == pytest.approx([0, 1], abs=1e-6)
  assert joined[300] == pytest.approx(0.5, abs=0.01)


def test_several_runs_are_averaged_with_their_spread(folder, rooms, tmp_path):
  other = untrained_run.make(rooms, tmp_path / "b", seed=1)
  pixels = image(32, 32)
  both = jtr_jax.load([folder, other])
  (output,) = both.outputs([pixels], Options())
  first, second = (jtr_jax.load(f).predict(pixels) for f in (folder, other))
  mean = (first["depth"] + second["depth"]) / 2
  np.testing.assert_allclose(output.values["depth"], mean, atol=1e-5)
  far = np.abs(first["depth"] - second["depth"])[..., 0] / 2
  np.testing.assert_allclose(output.spread["depth"], far, atol=1e-5)
  assert output.spread["segmentation"].shape == (32, 32)
  (alone,) = jtr_jax.load(folder).outputs([pixels], Options())
  assert alone.spread == {}


def test_runs_of_one_task_each_are_one_model(rooms, tmp_path):
  root = tmp_path / "stl"
  for task in ("segmentation", "depth"):
    untrained_run.make(rooms, root / task, tasks=(task,))
  with pytest.raises(ValueError, match=r"no config\.json"):
    load_lib.runs_of(root)
  plain = json.loads((root / "depth" / "config.json").read_text())
  plain["config"]["experiment"]["kind"] = "stl"
  (root / "config.json").write_text(json.dumps(plain))
  assert set(jtr_jax.load(root).tasks) == {"segmentation", "depth"}
  plain["config"]["experiment"]["kind"] = "grid"
  (root / "config.json").write_text(json.dumps(plain))
  with pytest.raises(ValueError, match="Name one of its runs"):
    jtr_jax.load(root)


def test_mirror_of_maps_and_directions():
  normals = jnp.arange(6.0).reshape(1, 1, 2, 3)
  turned = member.mirror(Normals("normals"), normals)
  np.testing.assert_array_equal(turned[0, 0], [[-3, 4, 5], [0, 1, 2]])
  depth = member.mirror(Depth("depth"), normals)
  np.testing.assert_array_equal(depth[0, 0], [[3, 4, 5], [0, 1, 2]])


def test_logits_are_averaged_before_the_class_is_chosen():
  task = Segmentation("classes", num_classes=2)
  sure = np.array([[[4.0, 0.0]]], np.float32)
  unsure = np.array([[[0.0, 1.0]]], np.float32)
  value, spread = model.combine(task, [sure, unsure], (1, 1))
  assert value.tolist() == [[0]]
  difference = 1 / (1 + np.exp(-4)) - 1 / (1 + np.exp(1))
  assert spread[0, 0] == pytest.approx(difference / np.sqrt(2), rel=1e-5)


@pytest.mark.parametrize("which", ["best", "latest", 999])
def test_missing_checkpoints_are_named(folder, tmp_path, which):
  copy = shutil.copytree(folder, tmp_path / "copy")
  if which == 999:
    with pytest.raises(ValueError, match="no checkpoint 999"):
      jtr_jax.load(copy, which=which)
    return
  shutil.rmtree(copy / "checkpoints")
  with pytest.raises(ValueError, match="no checkpoint"):
    jtr_jax.load(copy, which=which)


def test_what_is_no_run_is_refused(tmp_path):
  with pytest.raises(ValueError, match="no run in this workdir"):
    jtr_jax.load(tmp_path)
  with pytest.raises(ValueError, match="Expected: at least one"):
    jtr_jax.load([])


def test_a_damaged_network_file_is_named(folder, tmp_path):
  copy = shutil.copytree(folder, tmp_path / "copy")
  (copy / "network.json").write_text("{}")
  with pytest.raises(ValueError, match=r"network\.json is damaged"):
    jtr_jax.load(copy)


def test_network_file_says_how_images_were_fitted(rooms):
  assert prepared.open_dataset(rooms).manifest.fit == "stretch"
