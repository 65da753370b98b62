"""A checkpoint made in the released form, evaluated by a program of its own."""

import math
import re

import numpy as np
import pytest

from jtr_jax.data.records import prepared
from jtr_jax.models import published
from jtr_jax.models.base import FLOAT32
from jtr_jax.verify import released_checkpoint
from jtr_jax.verify.__main__ import main
from tests.tensor_files import handmade_pickles as handmade

SIZE, IMAGES, CLASSES = (32, 64), 3, 4
FILTERS = (2, 2, 3, 3, 3)
TASKS = {
  "segmentation": {"kind": "segmentation", "classes": list("abcd")},
  "depth": {"kind": "depth"},
  "normals": {"kind": "normals"},
}


def records():
  """Images and labels with holes; class d is nowhere."""
  random = np.random.default_rng(0)
  for index in range(IMAGES):
    depth = random.uniform(1, 5, (*SIZE, 1)).astype(np.float32)
    depth[: index + 1] = np.nan
    normals = random.standard_normal((*SIZE, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[:, :3] = np.nan
    yield (
      str(index),
      {
        "image": random.integers(0, 256, (*SIZE, 3), np.uint8),
        "segmentation": random.integers(-1, 3, SIZE).astype(np.int8),
        "depth": depth,
        "normals": normals.astype(np.float16),
      },
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  directory = tmp_path_factory.mktemp("data") / "prepared"
  splits = {"train": records(), "val": records()}
  prepared.write_dataset(
    directory,
    "tiny",
    tasks=TASKS,
    size=SIZE,
    splits=splits,
    counts=dict.fromkeys(splits, IMAGES),
    source={},
  )
  return directory


def tensors(name):
  """A state dictionary of the released network, drawn."""
  random = np.random.default_rng(1)
  sizes = published.network.Sizes(filters=FILTERS, outputs=(CLASSES, 1, 3))
  network = published.NETWORKS[name](name, sizes, FLOAT32)
  shapes = network.shapes()
  drawn = {}
  for row in network.tables[0]:
    shape = published.tensors.published_shape(row, shapes[row.path])
    draw = random.uniform(0.5, 1.5, shape)
    if not row.name.endswith("running_var"):
      draw = random.standard_normal(shape) / math.sqrt(
        max(1, math.prod(shape[1:]))
      )
    drawn[row.name] = draw.astype(np.float32)
  return drawn


def save(path, named, place, *, legacy=False, others=b""):
  """Write {"epoch": 3, <place>: named, "best_performance": 1.5}."""
  storages = {str(i): array for i, array in enumerate(named.values())}
  inner = handmade.dictionary(
    {
      name: handmade.tensor(str(i), array, legacy=legacy)
      for i, (name, array) in enumerate(named.items())
    }
  )[2:-1]
  content = handmade.dictionary(
    {
      "epoch": b"K\x03",
      place: inner,
      "best_performance": b"G?\xf8" + b"\0" * 6,
    }
  )
  make = handmade.legacy_file if legacy else handmade.zip_file
  path.write_bytes(make(content, storages))
  return path


FORMS = {
  "mtpsl.segnet": ("state_dict", False),
  "jtr.segnet": ("model_state_dict", True),
}


@pytest.fixture(scope="module", params=FORMS)
def checkpoint(request, tmp_path_factory):
  place, legacy = FORMS[request.param]
  path = tmp_path_factory.mktemp("checkpoint") / "model_best.pth.tar"
  named = tensors(request.param)
  return request.param, save(path, named, place, legacy=legacy), named


def predictions(name, named, images):
  """What the released network says, raw, f[B, H, W, C] for each head."""
  shapes = {key: array.shape for key, array in named.items()}
  network = published.find(name, shapes)
  found = network(published.load(name, named), images)
  return [np.asarray(found[f"pred_task{n}"], np.float64) for n in (1, 2, 3)]


def expected(name, named):
  """The released evaluation, written down in NumPy, batch by batch."""
  rows = [arrays for _, arrays in records()]
  confusion = np.zeros((CLASSES, CLASSES))
  depth, angles, losses = [], [], []
  for start in range(0, IMAGES, released_checkpoint.BATCH):
    batch = rows[start : start + released_checkpoint.BATCH]
    images = np.stack([row["image"] for row in batch]).astype(np.float32) / 255
    logits, distance, vectors = predictions(name, named, images)
    ids = np.stack([row["segmentation"] for row in batch])
    there = ids >= 0
    guess = logits.argmax(-1)
    np.add.at(confusion, (ids[there], guess[there]), 1)
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    nll = -np.take_along_axis(logs, np.where(there, ids, 0)[..., None], -1)
    target = np.stack([row["depth"] for row in batch])
    valid = ~np.isnan(target)
    error = np.abs(distance - target)[valid]
    clamped = np.maximum(distance, 1e-9)
    depth.append((clamped - target)[valid])
    normal = np.stack([row["normals"] for row in batch]).astype(np.float64)
    valid = ~np.isnan(normal).any(-1)
    unit = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    length = np.linalg.norm(normal, axis=-1)
    cosine = ((unit * normal).sum(-1) / length)[valid]
    angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    losses.append((nll[there].mean(), error.mean(), 1 - cosine.mean()))
  depth, angles = np.concatenate(depth), np.concatenate(angles)
  right = np.diag(confusion)
  union = confusion.sum(0) + confusion.sum(1) - right
  seg, dep, nor = np.mean(losses, axis=0)
  return {
    "segmentation/loss": seg,
    "segmentation/miou": np.mean((right / np.maximum(union, 1))[union > 0]),
    "segmentation/pixel_accuracy": right.sum() / confusion.sum(),
    "depth/loss": dep,
    "depth/abs_err": np.abs(depth).mean(),
    "depth/rmse": np.sqrt(np.square(depth).mean()),
    "normals/loss": nor,
    "normals/mean_deg": angles.mean(),
    "normals/rmse_deg": np.sqrt(np.square(angles).mean()),
    "normals/within_11.25": np.mean(angles < 11.25),
    "normals/within_22.5": np.mean(angles < 22.5),
    "normals/within_30": np.mean(angles < 30),
  }


def test_agrees_with_the_released_evaluation(checkpoint, data):
  name, path, named = checkpoint
  found = released_checkpoint.evaluate(path, data)
  assert found.network == name
  assert found.images == IMAGES
  for quantity, value in expected(name, named).items():
    assert found.metrics[quantity] == pytest.approx(value, rel=1e-4), quantity


def test_prints_a_table(checkpoint, data, capsys):
  name, path, _ = checkpoint
  assert main([f"--checkpoint={path}", f"--data={data}"]) == 0
  out = capsys.readouterr().out
  assert f"{name}, {IMAGES} images of val" in out
  for quantity in ("segmentation/miou", "depth/rmse", "normals/within_30"):
    assert quantity in out


def test_a_third_head_may_be_without_a_task(tmp_path, capsys):
  """Cityscapes: segmentation and inverse depth."""
  options = {
    "segmentation": TASKS["segmentation"],
    "depth": {"kind": "inverse_depth"},
  }
  split = [
    (key, {n: a for n, a in arrays.items() if n != "normals"})
    for key, arrays in records()
  ]
  directory = tmp_path / "cityscapes"
  prepared.write_dataset(
    directory,
    "tiny",
    tasks=options,
    size=SIZE,
    splits={"val": split},
    counts={"val": IMAGES},
    source={},
  )
  named = tensors("jtr.segnet")
  path = save(tmp_path / "c.pth.tar", named, "model_state_dict")
  found = released_checkpoint.evaluate(path, directory)
  assert not any(name.startswith("normals") for name in found.metrics)
  assert found.metrics["depth/abs_err"] > 0


def _other_network(tmp_path, data):
  named = {"a.weight": np.zeros((2, 2), np.float32)}
  return save(tmp_path / "x.pth.tar", named, "state_dict"), data


def _lacks_a_tensor(tmp_path, data):
  named = tensors("jtr.segnet")
  del named["pred_task2.1.bias"]
  return save(tmp_path / "x.pth.tar", named, "state_dict"), data


def _other_classes(tmp_path, data):
  named = tensors("jtr.segnet")
  for part, axis in (("weight", (5, 2, 1, 1)), ("bias", (5,))):
    named[f"pred_task1.1.{part}"] = np.zeros(axis, np.float32)
  return save(tmp_path / "x.pth.tar", named, "state_dict"), data


def _no_data(tmp_path, data):
  named = tensors("jtr.segnet")
  path = save(tmp_path / "x.pth.tar", named, "state_dict")
  return path, tmp_path / "nothing"


def _no_file(tmp_path, data):
  return tmp_path / "missing.pth.tar", data


BAD = {
  _other_network: "is no checkpoint of a released program.*1 tensors",
  _lacks_a_tensor: "most like those of jtr.segnet",
  _other_classes: "4 channels of 'segmentation'. Expected: 5 channels",
  _no_data: "There is no prepared data set",
  _no_file: "missing.pth.tar",
}


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
def test_says_what_does_not_fit(make, tmp_path, data, capsys):
  path, directory = make(tmp_path, data)
  assert main([f"--checkpoint={path}", f"--data={directory}"]) == 1
  out, error = capsys.readouterr()
  assert out == ""
  assert error.count("\n") == 1
  assert re.search(BAD[make], error)


@pytest.mark.parametrize(
  "words",
  [
    [],
    ["--checkpoint=x"],
    ["--data=x"],
    ["a.npz", "--checkpoint=x", "--data=y"],
  ],
)
def test_asks_for_files_or_for_a_checkpoint_with_data(words, capsys):
  with pytest.raises(SystemExit):
    main(words)
  assert "--checkpoint" in capsys.readouterr().err
