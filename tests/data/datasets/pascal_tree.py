"""Small trees in the form of PASCAL_MT and NYUD_MT."""

import numpy as np
import scipy.io
from PIL import Image

SIZE = (10, 14)
TRAIN, VAL = ("2008_000008", "2008_000015"), ("2008_000002",)


def save(path, array):
  path.parent.mkdir(parents=True, exist_ok=True)
  if path.suffix == ".npy":
    np.save(path, array)
  else:
    Image.fromarray(array).save(path)


def save_palette(path, ids):
  picture = Image.fromarray(ids)
  picture.putpalette([c for i in range(256) for c in (i, 255 - i, 7)])
  path.parent.mkdir(parents=True, exist_ok=True)
  picture.save(path)


def label_map():
  """Classes of the 459: a person (284) on grass (187) beside a table (397)."""
  ids = np.full(SIZE, 187, np.uint16)
  ids[:, 9:] = 397
  ids[2:8, 3:7] = 284
  return ids


def semantic():
  ids = np.zeros(SIZE, np.uint8)
  ids[2:8, 3:7] = 15
  ids[2, 3:7] = 255
  return ids


def struct(fields, rows):
  """Return what MATLAB stores for a row of structs."""
  array = np.empty((1, len(rows)), [(name, object) for name in fields])
  for i, row in enumerate(rows):
    for name, value in zip(fields, row, strict=True):
      array[0, i][name] = value
  return array


def box(top, bottom, left, right):
  mask = np.zeros(SIZE, np.uint8)
  mask[top:bottom, left:right] = 1
  return mask


def annotation(with_person=True, with_parts=True):
  """The struct `anno` of PASCAL-Part: a cat with a head, and a person."""
  part, thing = ("part_name", "mask"), ("class", "class_ind", "mask", "parts")
  nothing = np.zeros((0, 0))
  objects = [
    ("cat", np.array([[8]], np.uint8), box(0, 2, 0, 3),
     struct(part, [("head", box(0, 1, 0, 3))])),
  ]  # fmt: skip
  if with_person:
    parts = struct(
      part,
      [
        ("torso", box(3, 6, 3, 7)),
        ("head", box(2, 3, 3, 7)),
        ("lhand", box(5, 6, 3, 4)),
        ("ruleg", box(6, 7, 3, 7)),
        ("lfoot", box(7, 8, 3, 7)),
        ("ruarm", box(4, 5, 6, 7)),
      ],
    )
    objects.append(
      ("person", np.array([[15]], np.uint8), box(2, 8, 3, 7),
       parts if with_parts else nothing)
    )  # fmt: skip
  names = ("imname", "objects")
  return struct(names, [("2008_000008", struct(thing, objects))])


def write_pascal(root):
  """People in all images but the second of the training split."""
  rng = np.random.default_rng(0)
  for split, ids in (("train", TRAIN), ("val", VAL)):
    path = root / "ImageSets" / "Context" / f"{split}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(ids) + "\n")
  for number, name in enumerate((*TRAIN, *VAL, "2010_004321")):  # one unlisted
    photo = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    save(root / "JPEGImages" / f"{name}.jpg", photo)
    folder = "VOC12" if number else "pascal-context"
    save_palette(root / "semseg" / folder / f"{name}.png", semantic())
    normal = np.full((*SIZE, 3), 128, np.uint8)
    normal[..., 2] = 0
    save(root / "normals_distill" / f"{name}.png", normal)
    saliency = np.arange(140, dtype=np.uint8).reshape(SIZE) + 60
    save(root / "sal_distill" / f"{name}.png", saliency)
    for place, key, value in (
      ("human_parts", "anno", annotation(with_person=number != 1)),
      ("pascal-context/trainval", "LabelMap", label_map()),
    ):
      path = root / place / f"{name}.mat"
      path.parent.mkdir(parents=True, exist_ok=True)
      scipy.io.savemat(path, {key: value})


def write_nyud(root):
  for split, ids in (("train", ("0003", "0001")), ("val", ("0002",))):
    path = root / "gt_sets" / f"{split}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(ids))
    for name in ids:
      rng = np.random.default_rng(int(name))
      photo = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
      save(root / "images" / f"{name}.jpg", photo)
      ids40 = (np.arange(140) % 41).astype(np.uint8).reshape(SIZE)
      save(root / "segmentation" / f"{name}.png", ids40)
      depth = np.full(SIZE, 2.5, np.float32)
      depth[0] = 0
      save(root / "depth" / f"{name}.npy", depth)
      normals = np.zeros((*SIZE, 3), np.float32)
      normals[1:, :, 1] = -1
      save(root / "normals" / f"{name}.npy", normals)
      edge = np.zeros(SIZE, np.float32)
      edge[4] = 1
      save(root / "edge" / f"{name}.npy", edge)
