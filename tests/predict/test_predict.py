import json

import numpy as np
import pytest
from PIL import Image

import jtr_jax
from jtr_jax.predict import __main__ as command
from jtr_jax.predict import inputs, results
from jtr_jax.tasks import colours
from jtr_jax.tasks.depth import Depth, InverseDepth
from jtr_jax.tasks.segmentation import Segmentation
from tests import untrained_run

ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def folder(rooms, tmp_path_factory):
  return untrained_run.make(rooms, tmp_path_factory.mktemp("run") / "a")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
  """Files of several kinds, one of them turned by its EXIF orientation."""
  place = tmp_path_factory.mktemp("photos")
  draw = np.random.default_rng(0)
  pixels = draw.integers(0, 256, (40, 60, 3), np.uint8)
  Image.fromarray(pixels).save(place / "upright.png")
  turned = Image.fromarray(pixels).transpose(Image.Transpose.ROTATE_90)
  exif = turned.getexif()
  exif[ORIENTATION] = 6  # to be turned by 270 degrees
  turned.save(place / "turned.png", exif=exif)
  (place / "below").mkdir()
  Image.fromarray(pixels[:31, :20, 0]).save(place / "below" / "grey.v1.png")
  np.save(place / "below" / "floats.npy", pixels[:50] / 255)
  (place / ".hidden").mkdir()
  Image.fromarray(pixels).save(place / ".hidden" / "thumb.png")
  (place / "notes.txt").write_text("no image")
  return place


@pytest.fixture(scope="module")
def predicted(folder, photos, tmp_path_factory):
  out = tmp_path_factory.mktemp("out") / "new"
  words = [f"--workdir={folder}", str(photos), f"--out={out}"]
  assert command.main([*words, "--batch-size=3"]) == 0
  return out


def test_every_image_has_every_value(predicted):
  names = {"upright", "turned", "below/grey.v1", "below/floats"}
  about = json.loads((predicted / "predictions.json").read_text())
  assert set(about["images"]) == names
  found = {
    str(path.relative_to(predicted))
    for path in predicted.rglob("*")
    if path.is_file()
  }
  values = {f"segmentation/{name}.png" for name in names}
  values |= {f"{t}/{n}.npy" for t in ("depth", "normals") for n in names}
  pictures = {
    f"pictures/{task}/{name}.png"
    for task in untrained_run.TASKS
    for name in names
  }
  assert found == values | pictures | {"overview.png", "predictions.json"}
  assert about["tasks"]["depth"] == {"kind": "depth", "unit": "m"}


def test_files_hold_what_the_model_says(predicted, folder, photos):
  pixels = np.asarray(Image.open(photos / "upright.png"))
  values = jtr_jax.load(folder).predict(pixels)
  depth = np.load(predicted / "depth" / "upright.npy")
  np.testing.assert_allclose(depth, values["depth"], atol=1e-4)
  ids = Image.open(predicted / "segmentation" / "upright.png")
  assert ids.mode == "P"
  np.testing.assert_array_equal(np.asarray(ids), values["segmentation"])
  expected = colours.palette(13)[values["segmentation"]]
  np.testing.assert_array_equal(np.asarray(ids.convert("RGB")), expected)


def test_turned_photographs_are_predicted_upright(predicted):
  for task in ("depth", "normals"):
    upright, turned = (
      np.load(predicted / task / f"{name}.npy")
      for name in ("upright", "turned")
    )
    assert upright.shape[:2] == (40, 60)
    np.testing.assert_allclose(turned, upright, atol=1e-4)


def test_several_runs_leave_their_spread(folder, photos, tmp_path):
  image = str(photos / "upright.png")
  words = [*[f"--workdir={folder}"] * 2, image, f"--out={tmp_path / 'out'}"]
  assert command.main([*words, "--flip", "--values=png16"]) == 0
  spread = np.load(tmp_path / "out" / "spread" / "depth" / "upright.npy")
  np.testing.assert_allclose(spread, np.zeros((40, 60)), atol=1e-5)
  stored = Image.open(tmp_path / "out" / "depth" / "upright.png")
  millimetres = np.asarray(stored)
  assert millimetres.dtype == np.uint16
  model = jtr_jax.load(folder)
  depth = model.predict(np.asarray(Image.open(image)), flip=True)["depth"]
  wanted = np.clip(np.rint(depth[..., 0] * 1000), 0, None)
  assert np.abs(millimetres - wanted).max() <= 1
  about = json.loads((tmp_path / "out" / "predictions.json").read_text())
  assert about["tasks"]["depth"]["scale"] == 0.001
  assert about["flip"] is True


@pytest.mark.parametrize(
  ("task", "scale"),
  [
    (Depth("depth"), 1e-3),
    (Depth("outdoors", picture_range=(0.0, 80.0)), 1e-2),
    (InverseDepth("disparity"), 1e-4),
  ],
)
def test_steps_of_16_bits_are_powers_of_ten(task, scale):
  assert results.scale(task) == pytest.approx(scale)


def test_many_classes_are_written_in_16_bits():
  task = Segmentation("classes", num_classes=300)
  ids = np.array([[0, 299]], np.int32)
  suffix, data = results.encode(task, ids, "npy")
  assert (suffix, data[24]) == (".png", 16)


def test_earlier_predictions_are_overwritten_only_when_asked(
  folder, photos, predicted, capsys
):
  before = (predicted / "overview.png").read_bytes()
  words = [f"--workdir={folder}", str(photos), f"--out={predicted}"]
  assert command.main(words) == 1
  assert "earlier predictions" in capsys.readouterr().err
  assert (predicted / "overview.png").read_bytes() == before
  assert command.main([*words, "--overwrite"]) == 0


@pytest.mark.parametrize(
  ("words", "message"),
  [
    (["nowhere"], "There are no images in nowhere"),
    (["EMPTY"], "a folder without images"),
    (["BROKEN"], "cannot be read"),
    (["IMAGE", "--which=latest", "--workdir=EMPTY"], "no run in this workdir"),
    (["IMAGE", "--batch-size=0"], "A batch holds no image"),
    (["IMAGE", "--windows", "--scale=0"], "cannot be cut at this scale"),
    (["IMAGE", "--out=USED"], "other files, such as theirs.txt"),
    (["IMAGE", "--out=FILE"], "Found: a file"),
  ],
)
def test_bad_input_ends_with_one_message(
  words, message, folder, photos, tmp_path, capsys
):
  places = {
    "EMPTY": tmp_path / "empty",
    "BROKEN": tmp_path / "broken.png",
    "IMAGE": photos / "upright.png",
    "USED": tmp_path / "used",
    "FILE": tmp_path / "file",
  }
  places["EMPTY"].mkdir()
  places["USED"].mkdir()
  (places["USED"] / "theirs.txt").write_text("")
  places["FILE"].write_text("")
  places["BROKEN"].write_bytes((photos / "upright.png").read_bytes()[:20])
  for name, path in places.items():
    words = [word.replace(name, str(path)) for word in words]
  out = tmp_path / "out"
  given = [f"--workdir={folder}", f"--out={out}", *words]
  assert command.main(given) == 1
  shown = capsys.readouterr().err
  assert message in shown
  assert shown.count("\n") == 1
  assert not out.exists()


def test_two_images_of_one_name_are_refused(photos, tmp_path):
  other = tmp_path / "upright.jpg"
  Image.new("RGB", (4, 4)).save(other)
  with pytest.raises(ValueError, match="Two images would have their results"):
    inputs.find([photos / "upright.png", other])
  same = inputs.find([photos / "upright.png", photos / "upright.png"])
  assert [image.name for image in same] == ["upright"]


def test_a_truncated_image_leaves_nothing_half_written(
  folder, photos, tmp_path, capsys
):
  place = tmp_path / "photos"
  place.mkdir()
  data = (photos / "upright.png").read_bytes()
  (place / "a.png").write_bytes(data)
  (place / "b.png").write_bytes(data[: len(data) // 2])
  words = [f"--workdir={folder}", str(place), f"--out={tmp_path / 'out'}"]
  assert command.main([*words, "--batch-size=1"]) == 1
  assert "b.png cannot be read" in capsys.readouterr().err
  for path in (tmp_path / "out").rglob("*.*"):
    assert path.name in ("a.png", "a.npy")
    if path.suffix == ".npy":
      np.load(path)
    else:
      Image.open(path).load()
