"""Small trees in each layout of Cityscapes."""

import json

import numpy as np
from PIL import Image

SIZE = (16, 32)
CITIES = {"train": ("aachen", "zurich"), "val": ("munster",)}


def save(path, array):
  path.parent.mkdir(parents=True, exist_ok=True)
  if path.suffix == ".npy":
    np.save(path, array)
  else:
    Image.fromarray(array).save(path)


def photo(seed):
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def label_ids():
  """Every raw id from 0 to 33."""
  return (np.arange(SIZE[0] * SIZE[1]) % 34).astype(np.uint8).reshape(SIZE)


def disparity():
  """0 for none, 1 for infinitely far, up to the largest that was seen."""
  steps = np.linspace(0, 32257, SIZE[0] * SIZE[1]).astype(np.uint16)
  steps[1] = 1
  return steps.reshape(SIZE)


def parts():
  """Uids of one or two digits, of four or five, of six or seven."""
  uids = np.full(SIZE, 7, np.int32)
  uids[0, :8] = [0, 33, 24, 7000, 24003, 26001, 33999, 8]
  uids[1, :10] = [
    2400101, 2500402, 2600205, 2700001, 2800304,
    2800105, 2400000, 2600006, 700001, 3300101,
  ]  # fmt: skip
  return uids


def write_original(root, *, with_parts=True, with_cameras=True):
  for split, cities in CITIES.items():
    for city in cities:
      for frame in (19, 20):
        stem = f"{city}_000000_{frame:06d}"
        place = f"{split}/{city}/{stem}"
        images = root / "leftImg8bit" / f"{place}_leftImg8bit.png"
        save(images, photo(frame))
        fine = root / "gtFine" / place
        save(fine.with_name(f"{stem}_gtFine_labelIds.png"), label_ids())
        save(
          fine.with_name(f"{stem}_gtFine_instanceIds.png"),
          label_ids().astype(np.uint16) * 1000,
        )
        fine.with_name(f"{stem}_gtFine_polygons.json").write_text("{}")
        save(root / "disparity" / f"{place}_disparity.png", disparity())
        if with_parts:
          folder = root / "gtFinePanopticParts" / split / city
          save(folder / f"{stem}_gtFinePanopticParts.tif", parts())
        if with_cameras:
          camera = {
            "extrinsic": {"baseline": 0.209313, "pitch": 0.038},
            "intrinsic": {"fx": 2262.52, "fy": 2265.3017905988554},
          }
          path = root / "camera" / split / city / f"{stem}_camera.json"
          path.parent.mkdir(parents=True, exist_ok=True)
          path.write_text(json.dumps(camera))


def write_mtan(root, *, train=12, labels=("label_7", "label_19")):
  for split, count in (("train", train), ("val", 3)):
    for i in range(count):
      save(root / split / "image" / f"{i}.npy", photo(i) / 255)
      for name in labels:
        classes = int(name.partition("_")[2] or 7)
        ids = np.arange(SIZE[0] * SIZE[1]).reshape(SIZE) % (classes + 1) - 1.0
        save(root / split / name / f"{i}.npy", ids)
      inverse = (disparity() / 65535).astype(np.float32)[..., None]
      save(root / split / "depth" / f"{i}.npy", inverse)


def write_auto_lambda(root, *, parts_beside=False):
  for split, count in (("train", 12), ("val", 2)):
    for i in range(count):
      save(root / split / "image" / f"{i}.png", photo(i))
      save(root / split / "seg" / f"{i}.png", label_ids())
      slash = "" if parts_beside else "/"
      save(root / split / f"part_seg{slash}{i}.tif", parts())
      save(root / split / "depth" / f"{i}.png", disparity())
