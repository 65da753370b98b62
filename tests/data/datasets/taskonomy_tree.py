"""Small trees in the layouts of Taskonomy."""

import numpy as np
from PIL import Image

SIZE = (16, 16)
SUFFIXES = {"segment_semantic": "segmentsemantic"}


def depth():
  """Metres times 512, too far in the first row, none in the second."""
  stored = np.linspace(510, 8000, 256).astype(np.uint16).reshape(SIZE)
  stored[0] = 8192
  stored[1] = 65535
  return stored


def arrays(seed=0):
  """The file of every domain of one view."""
  rng = np.random.default_rng(seed)
  normal = np.full((*SIZE, 3), 127, np.uint8)
  normal[2:, :, 1] = 0  # up, as the floor
  return {
    "rgb": rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8),
    "segment_semantic": (np.arange(256) % 18).astype(np.uint8).reshape(SIZE),
    "depth_zbuffer": depth(),
    "normal": normal,
    "edge_occlusion": np.arange(256, dtype=np.uint16).reshape(SIZE) * 30,
    "reshading": np.full((*SIZE, 3), 51, np.uint8),
    "keypoints2d": np.arange(256, dtype=np.uint16).reshape(SIZE) * 4,
    "edge_texture": np.arange(256, dtype=np.uint16).reshape(SIZE) * 100,
    "point_info": None,
  }


def path_of(root, layout, building, domain, view, *, suffix=True):
  folder = root / layout.format(building=building, domain=domain)
  ending = f"_domain_{SUFFIXES.get(domain, domain)}" if suffix else ""
  return folder / f"{view}{ending}.png"


def write(
  root,
  buildings=("hanson", "darden", "ihlen"),
  layout="{building}/{domain}",
  *,
  domains=None,
  views=("point_0_view_0", "point_10_view_3"),
  suffix=True,
):
  for building in buildings:
    for number, view in enumerate(views):
      for domain, array in arrays(number).items():
        if array is not None and (domains is None or domain in domains):
          path = path_of(root, layout, building, domain, view, suffix=suffix)
          path.parent.mkdir(parents=True, exist_ok=True)
          Image.fromarray(array).save(path)
    info = root / layout.format(building=building, domain="point_info")
    info.mkdir(parents=True, exist_ok=True)
    (info / f"{views[0]}_domain_point_info.json").write_text("{}")


def write_partition(path, rows):
  """A CSV file with carriage returns alone, as published."""
  lines = ["id,train,val,test"]
  for building, split in rows.items():
    ones = [str(int(s == split)) for s in ("train", "val", "test")]
    lines.append(",".join([building, *ones]))
  path.write_bytes("\r".join(lines).encode())
