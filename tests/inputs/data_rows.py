"""Folders, records and options of `jtr_jax.data` that cannot be used."""

import shutil

import numpy as np

from tests.data.datasets import own_folder
from tests.inputs.rows import Row

DEPTH = '[depth]\nkind = "depth"\n'


def mine(name, change):
  """Return what makes a copy of the user's folder, changed."""

  def make(here):
    target = here / name
    if not target.exists():
      shutil.copytree(here / "mine", target)
      change(target)

  return make


def toml(text):
  """Return a change of a folder: another description of its tasks."""
  return lambda folder: (folder / "tasks.toml").write_text(text)


def label(path, array):
  """Return a change of a folder: a label file with these numbers."""

  def write(folder):
    for old in (folder / path).parent.glob(f"{(folder / path).stem}.*"):
      old.unlink()
    own_folder.save(folder / path, array)

  return write


def claim_terabytes(folder):
  path = folder / "train" / "depth" / "c.npy"
  header = {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)}
  with path.open("wb") as file:
    np.lib.format.write_array_header_1_0(file, header)
    file.write(b"\0" * 64)


def descriptions(*table):
  """Return rows of `verify`, each with another tasks.toml."""
  found = []
  for number, (text, *says) in enumerate(table):
    name = f"toml_{number}"
    make = mine(name, toml(text))
    found.append(Row("data", f"verify {name}", tuple(says), make))
  return found


def segmentation(fields):
  return f'[segmentation]\nkind = "segmentation"\n{fields}\n'


TASKS = descriptions(
  ("depth = 3\n", "a table [depth]"),
  ("[depth\n", "tasks.toml cannot be read"),
  ('[depth]\nkind = "detph"\n', "Did you mean 'depth'"),
  ("[depth]\n", "kind of [depth]"),
  (DEPTH + "scael = 1\n", "Did you mean 'scale'"),
  (DEPTH + "scale = 0\n", "scale = 0", "other than 0"),
  (DEPTH + "scale = -1\n", "scale = -1", "a positive number"),
  (DEPTH + 'scale = "mm"\n', "scale = 'mm'"),
  (DEPTH + "scale = true\n", "scale = True"),
  (DEPTH + "scale = nan\n", "scale = nan"),
  (DEPTH + "scale = 1e300\n", "scale = 1e+300"),
  (DEPTH + "invalid = inf\n", "invalid = inf"),
  (DEPTH + "joint_mean = 1e30\n", "joint_mean = 1e+30"),
  (DEPTH + "joint_mean = -5\n", "joint_mean = -5"),
  (DEPTH + "joint_std = 0\n", "joint_std = 0"),
  (DEPTH + "picture_range = [3, 1]\n", "picture_range = [3, 1]"),
  (DEPTH + "picture_range = [0, 1, 2]\n", "picture_range"),
  (DEPTH + DEPTH, "tasks.toml cannot be read"),
  (segmentation(""), "classes = None"),
  (segmentation("classes = []"), "classes = []"),
  (segmentation("classes = 0"), "classes = 0"),
  (segmentation("classes = 1"), "classes = 1"),
  (segmentation("classes = 100000000"), "from 2 to 10000"),
  (segmentation("classes = 100000000000000000000"), "tasks.toml"),
  (segmentation("classes = true"), "classes = True"),
  (segmentation('classes = ["a", "b", "a"]'), "a twice in classes"),
  (segmentation('classes = ["a", ""]'), "classes = ['']"),
  (segmentation('classes = ["a", "b\\nc"]'), "each on one line"),
  (segmentation("classes = [1, 2]"), "classes = [1, 2]"),
  (segmentation("classes = 3\nignore = true"), "ignore = True"),
  (segmentation("classes = 3\nignore = [255, 255]"), "255 twice in ignore"),
  (segmentation('classes = 3\nignore = ["255"]'), "ignore = ['255']"),
  (segmentation("classes = 3\nignore = 100000000000000000"), "ignore = 1000"),
  (segmentation("classes = 3\nignore = 2.5"), "ignore = 2.5"),
  (segmentation("classes = 2\ncolours = [[1, 2, 3]]"), "for each of 2 classes"),
  (
    segmentation("classes = 2\ncolours = [[1, 2, 3], [1, 2, 300]]"),
    "from 0 to 255",
  ),
  (
    segmentation("classes = 2\ncolours = [[1, 2, 3], [1, 2, 3]]"),
    "twice in colours",
  ),
  ('[edges]\nkind = "regression"\nchannels = 0\n', "channels = 0"),
  ('[edges]\nkind = "regression"\nchannels = 100000\n', "from 1 to 1024"),
  ('[edges]\nkind = "regression"\nunit = "a\\nb"\n', "unit ="),
  ('["my depth"]\nkind = "depth"\n', "'my depth'", "Rename it"),
  ('["a\\tb"]\nkind = "depth"\n', "no name for a task"),
  ('["a/b"]\nkind = "depth"\n', "no name for a task"),
  ('["a+b"]\nkind = "depth"\n', "no name for a task"),
  ('[image]\nkind = "regression"\n', "which has a meaning"),
  ('[total]\nkind = "regression"\n', "which has a meaning"),
  ('[id]\nkind = "regression"\n', "which has a meaning"),
  ('[depth]\nkind = "my_lab:Depth"\nstored_as = "detph"\n', "Did you mean"),
)

millimetres = own_folder.millimetres.astype(np.float64)
one_far = millimetres.copy()
one_far[0, 0] = 1e33
overflow = millimetres.copy()
overflow[0, 0] = 1e300

LABELS = [
  Row("data", f"verify {name}", says, mine(name, change), table=True)
  for name, change, *says in (
    ("labels_0", label("train/depth/c.npy", one_far), "c.npy", "1e+30"),
    ("labels_1", label("train/depth/c.npy", overflow), "c.npy", "1e+300"),
    ("labels_2", label("train/depth/c.npy", millimetres > 5), "true and false"),
    ("labels_3", label("train/depth/c.npy", -millimetres - 1), "negative"),
    ("labels_4", label("train/depth/c.npy", millimetres[:3]), "3x8"),
    ("labels_5", label("train/depth/c.npy", millimetres * 1e5), "millimetres"),
    (
      "labels_6",
      label("train/depth/c.npy", millimetres[..., None].repeat(3, -1)),
      "3 channels",
    ),
    ("labels_7", claim_terabytes, "c.npy cannot be read"),
    (
      "labels_8",
      label("train/segmentation/a.npy", np.full((6, 8), 9)),
      "class id 9",
    ),
    (
      "labels_9",
      label("train/segmentation/a.npy", np.full((6, 8), 0.5)),
      "fractions",
    ),
    (
      "labels_10",
      label("train/segmentation/a.png", own_folder.photo(1)),
      "colours",
    ),
    (
      "labels_11",
      label("train/segmentation/a.jpg", own_folder.ids),
      "JPEG",
      "a.jpg",
    ),
    (
      "labels_12",
      label("train/normals/a.npy", 3 * own_folder.unit),
      "length 3",
    ),
    (
      "labels_13",
      label("train/depth/zzz.npy", millimetres),
      "without an image",
    ),
    (
      "labels_14",
      lambda f: (f / "train" / "depth" / "a.png").write_bytes(b""),
      "a.png cannot be read",
    ),
    (
      "labels_15",
      lambda f: np.save(f / "train" / "depth" / "c.npy", np.array([{}])),
      "c.npy cannot be read",
    ),
    (
      "labels_16",
      lambda f: shutil.copy(f / "train/image/a.png", f / "train/image/a.jpg"),
      "one file for each id",
    ),
    (
      "labels_17",
      lambda f: (f / "train/image/a.png").write_bytes(
        (f / "train/image/a.png").read_bytes()[:60]
      ),
      "a.png cannot be read",
    ),
    (
      "labels_18",
      lambda f: shutil.rmtree(f / "train" / "normals"),
      "training labels for task 'normals'",
    ),
  )
]

DATA = [*TASKS, *LABELS]
