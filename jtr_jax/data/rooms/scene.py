"""What a scene is made of: solids, materials, lights, a camera.

World frame: x and z along the floor, y up, metres, left-handed like "right, up,
forward"; the room fills [0, width] x [0, height] x [0, length]. Camera frame:
x right, y down, z forward.
"""

import dataclasses
import enum
from collections.abc import Iterable

import numpy as np

from jtr_jax.data.rooms.shapes import Shape


class Kind(enum.IntEnum):
  """The 13 classes of NYUv2 in their order; NONE is unlabelled."""

  NONE = -1
  BED = 0
  BOOKS = 1
  CEILING = 2
  CHAIR = 3
  FLOOR = 4
  FURNITURE = 5
  OBJECTS = 6
  PICTURE = 7
  SOFA = 8
  TABLE = 9
  TV = 10
  WALL = 11
  WINDOW = 12


CLASSES = tuple(kind.name.lower() for kind in Kind if kind >= 0)


@dataclasses.dataclass(frozen=True, eq=False)
class Material:
  """How a surface looks to the camera and to the depth sensor.

  Attributes:
    pattern: name of a pattern in `texture`.
    colours: f32[N, 3], linear reflectances the pattern mixes.
    scale: size of the pattern's motif in metres.
    phase: f32[2], where the pattern starts, in metres.
    angle: rotation of the pattern in radians.
    specular: strength of the highlight.
    gloss: exponent of the highlight.
    emission: light given off, in units of `colours`.
    infrared: share of the depth sensor's light that returns to it.
  """

  pattern: str
  colours: np.ndarray
  scale: float = 0.2
  phase: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(2))
  angle: float = 0.0
  specular: float = 0.0
  gloss: float = 20.0
  emission: float = 0.0
  infrared: float = 1.0


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
  """One solid: a unit shape, stretched, turned and moved.

  Attributes:
    shape: the unit shape.
    centre: f64[3].
    half: f64[3], half extents along the own axes.
    label: class of its surface.
    material: its look.
    frame: f64[3, 3], rows are the own axes in world coordinates.
    taper: of a frustum, see `shapes`.
    shadow: whether it casts shadows (small things in shelves need not).
  """

  shape: Shape
  centre: np.ndarray
  half: np.ndarray
  label: Kind
  material: Material
  frame: np.ndarray = dataclasses.field(default_factory=lambda: np.eye(3))
  taper: float = 0.0
  shadow: bool = True


@dataclasses.dataclass(frozen=True)
class Top:
  """A level rectangle that things can stand on, in the frame of an item."""

  x: tuple[float, float]
  z: tuple[float, float]
  y: float
  clearance: float = 1.0


@dataclasses.dataclass(frozen=True, eq=False)
class Item:
  """A piece of furniture or an object: faces +z, stands on y = 0.

  Attributes:
    parts: its solids.
    size: width, height and depth of the bounding box, which is centred at
      x = z = 0.
    tops: where smaller things can be put.
    glow: position and colour of the light it gives, if any.
  """

  parts: tuple[Part, ...]
  size: tuple[float, float, float]
  tops: tuple[Top, ...] = ()
  glow: tuple[np.ndarray, np.ndarray] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Light:
  """A parallelogram that shines: position + a u + b v, |a|, |b| <= 1.

  Attributes:
    position: f64[3], its centre.
    u: f64[3], half axis.
    v: f64[3], half axis.
    colour: f64[3], radiant intensity; the irradiance of a parallel one.
    facing: f64[3], the direction it shines to; all directions if None.
    opening: f64[4, 3], centre, two half axes and normal of the window which a
      beam of parallel light comes through; None for a light without one.
  """

  position: np.ndarray
  u: np.ndarray
  v: np.ndarray
  colour: np.ndarray
  facing: np.ndarray | None = None
  opening: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Camera:
  """A pinhole: focal length W / 2 / tan(view / 2) pixels, centre (W, H) / 2.

  The centre of pixel (row i, column j) is at (j + 0.5, i + 0.5).

  Attributes:
    position: f64[3].
    frame: f64[3, 3], rows are right, down and forward in world coordinates.
    view: horizontal field of view in radians.
  """

  position: np.ndarray
  frame: np.ndarray
  view: float

  def focal(self, size: tuple[int, int]) -> float:
    """Return the focal length in pixels for an image (height, width)."""
    return size[1] / 2 / float(np.tan(self.view / 2))

  def rays(self, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return x f32[W] and y f32[H] of the rays (x, y, 1) of an image."""
    height, width = size
    focal = self.focal(size)
    x = (np.arange(width) + 0.5 - width / 2) / focal
    y = (np.arange(height) + 0.5 - height / 2) / focal
    return x.astype(np.float32), y.astype(np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class Scene:
  """Everything that the picture depends on, save the sensor's noise.

  Attributes:
    room: f64[3], width, height and length.
    shell: label and material of the faces x = 0, x = width, floor, ceiling,
      z = 0, z = length.
    parts: all solids in world coordinates.
    lights: what shines.
    ambient: f64[3], light that comes from everywhere.
    camera: who looks.
  """

  room: np.ndarray
  shell: tuple[tuple[Kind, Material], ...]
  parts: tuple[Part, ...]
  lights: tuple[Light, ...]
  ambient: np.ndarray
  camera: Camera


def turn(angle: float) -> np.ndarray:
  """Return f64[3, 3]: the rotation about y that takes z to (sin, 0, cos)."""
  c, s = np.cos(angle), np.sin(angle)
  return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def tilt(angle: float) -> np.ndarray:
  """Return f64[3, 3]: the rotation about x that takes z to (0, -sin, cos)."""
  c, s = np.cos(angle), np.sin(angle)
  return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def roll(angle: float) -> np.ndarray:
  """Return f64[3, 3]: the rotation about z that takes x to (cos, sin, 0)."""
  c, s = np.cos(angle), np.sin(angle)
  return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def moved(
  parts: tuple[Part, ...], position: np.ndarray, angle: float
) -> tuple[Part, ...]:
  """Return parts turned about y by `angle` and then moved by `position`."""
  rotation = turn(angle)
  return tuple(
    dataclasses.replace(
      part,
      centre=rotation @ part.centre + position,
      frame=part.frame @ rotation.T,
    )
    for part in parts
  )


def box(
  label: Kind,
  material: Material,
  centre: tuple[float, float, float],
  size: tuple[float, float, float],
  rotation: np.ndarray | None = None,
) -> Part:
  """Return a box of the given full size."""
  return _solid(Shape.BOX, label, material, centre, size, rotation)


def cylinder(
  label: Kind,
  material: Material,
  centre: tuple[float, float, float],
  size: tuple[float, float, float],
  rotation: np.ndarray | None = None,
  taper: float = 0.0,
) -> Part:
  """Return a (tapered, elliptic) cylinder along y inside the given size."""
  part = _solid(Shape.FRUSTUM, label, material, centre, size, rotation)
  width = 1 + abs(taper)
  half = part.half / (width, 1, width)
  return dataclasses.replace(part, taper=taper, half=half)


def ball(
  label: Kind,
  material: Material,
  centre: tuple[float, float, float],
  size: tuple[float, float, float],
  rotation: np.ndarray | None = None,
) -> Part:
  """Return an ellipsoid inside the given size."""
  return _solid(Shape.ELLIPSOID, label, material, centre, size, rotation)


def flat(parts: Iterable[Part]) -> list[Part]:
  """Return parts that cast no shadow: what lies close to something larger."""
  return [dataclasses.replace(part, shadow=False) for part in parts]


def _solid(
  shape: Shape,
  label: Kind,
  material: Material,
  centre: tuple[float, float, float],
  size: tuple[float, float, float],
  rotation: np.ndarray | None,
) -> Part:
  frame = np.eye(3) if rotation is None else rotation.T
  half = np.array(size, float) / 2
  return Part(shape, np.array(centre, float), half, label, material, frame)
