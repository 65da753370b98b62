"""Random materials.

Every kind of furniture draws from the same ones, so that a colour or a pattern
alone does not tell the class.
"""

import colorsys

import numpy as np

from jtr_jax.data.rooms.scene import Material

_FABRICS = ("weave", "plain", "carpet", "plaid", "stripes", "checks", "floral",
            "dots")  # fmt: skip
_FABRIC_SHARE = (0.3, 0.22, 0.1, 0.08, 0.1, 0.06, 0.09, 0.05)


def colour(
  rng: np.random.Generator,
  saturation: tuple[float, float] = (0.0, 0.7),
  value: tuple[float, float] = (0.08, 0.85),
) -> np.ndarray:
  """Return a random linear colour f64[3]; pale and warm ones are likelier."""
  low, high = saturation
  hue = rng.random() if rng.random() < 0.5 else rng.normal(0.08, 0.04) % 1
  rgb = colorsys.hsv_to_rgb(
    hue, low + (high - low) * rng.random() ** 1.5, rng.uniform(*value)
  )
  return np.array(rgb)


def fabric(rng: np.random.Generator) -> Material:
  """Return cloth, plain or patterned."""
  base = colour(rng)
  return Material(
    str(rng.choice(_FABRICS, p=_FABRIC_SHARE)),
    np.stack([base, _contrast(rng, base), colour(rng)]),
    scale=rng.uniform(0.05, 0.3),
    phase=rng.uniform(0, 99, 2),
    angle=rng.choice([0.0, np.pi / 2]),
    specular=rng.uniform(0, 0.05),
    infrared=rng.uniform(0.25, 1.0),
  )


def wood(rng: np.random.Generator) -> Material:
  """Return wood, natural, stained or painted over."""
  if rng.random() < 0.35:
    return lacquer(rng)
  value = rng.uniform(0.07, 0.75)
  light = np.array([1.0, rng.uniform(0.5, 0.75), rng.uniform(0.2, 0.5)])
  return Material(
    "wood",
    np.stack([value * light, value * rng.uniform(0.35, 0.75) * light]),
    scale=rng.uniform(0.6, 1.6),
    phase=rng.uniform(0, 99, 2),
    angle=rng.choice([0.0, np.pi / 2]),
    specular=rng.uniform(0.02, 0.25),
    gloss=rng.uniform(10, 60),
    infrared=rng.uniform(0.35, 1.0),
  )


def lacquer(rng: np.random.Generator) -> Material:
  """Return a smooth coat of paint or plastic."""
  return Material(
    "plain",
    colour(rng)[None],
    scale=rng.uniform(0.1, 0.5),
    phase=rng.uniform(0, 99, 2),
    specular=rng.uniform(0.03, 0.35),
    gloss=rng.uniform(15, 120),
    infrared=rng.uniform(0.3, 1.0),
  )


def metal(rng: np.random.Generator) -> Material:
  """Return grey, shiny metal, of which a depth sensor sees little."""
  return Material(
    "plain",
    colour(rng, (0, 0.15), (0.03, 0.5))[None],
    scale=0.4,
    phase=rng.uniform(0, 99, 2),
    specular=rng.uniform(0.3, 0.9),
    gloss=rng.uniform(20, 150),
    infrared=rng.uniform(0.1, 0.5),
  )


def print_(rng: np.random.Generator) -> Material:
  """Return something printed or painted: posters, boxes, covers."""
  pattern = rng.choice(["art", "blocks", "floral", "dots", "stripes", "plain"])
  count = rng.integers(3, 7)
  return Material(
    str(pattern),
    np.stack([colour(rng, (0, 0.9)) for _ in range(count)]),
    scale=rng.uniform(0.1, 0.6),
    phase=rng.uniform(0, 99, 2),
    specular=rng.uniform(0, 0.2),
    infrared=rng.uniform(0.4, 1.0),
  )


def spines(rng: np.random.Generator) -> Material:
  """Return the backs of a row of books."""
  return Material(
    "spines",
    np.stack([colour(rng, (0, 0.9), (0.05, 0.8)) for _ in range(8)]),
    scale=rng.uniform(0.02, 0.05),
    phase=rng.uniform(0, 99, 2),
    specular=rng.uniform(0, 0.1),
    infrared=rng.uniform(0.4, 1.0),
  )


def wall(rng: np.random.Generator) -> Material:
  """Return paint, wallpaper, brick or panelling."""
  pattern = str(
    rng.choice(
      ["plaster", "plain", "stripes", "floral", "brick", "planks", "tiles"],
      p=[0.5, 0.2, 0.08, 0.07, 0.05, 0.05, 0.05],
    )
  )
  base = colour(rng, (0, 0.55), (0.2, 0.9))
  return Material(
    pattern,
    np.stack([base, base * rng.uniform(0.6, 0.95), colour(rng, (0, 0.4))]),
    scale=rng.uniform(0.12, 0.4),
    phase=rng.uniform(0, 99, 2),
    angle=0.0 if pattern != "planks" else rng.choice([0.0, np.pi / 2]),
    specular=rng.uniform(0, 0.05),
    infrared=rng.uniform(0.6, 1.0),
  )


def floor(rng: np.random.Generator) -> Material:
  """Return boards, carpet, tiles, stone or checks."""
  pattern = str(
    rng.choice(
      ["planks", "carpet", "tiles", "marble", "checks", "plain"],
      p=[0.42, 0.25, 0.13, 0.08, 0.06, 0.06],
    )
  )
  base = wood(rng).colours if pattern == "planks" else None
  if base is None or len(base) < 2:
    first = colour(rng, (0, 0.5), (0.08, 0.7))
    base = np.stack([first, first * rng.uniform(0.5, 1.1)])
  hard = pattern != "carpet"
  return Material(
    pattern,
    base,
    scale=rng.uniform(0.08, 0.16)
    if pattern == "planks"
    else rng.uniform(0.2, 0.6),
    phase=rng.uniform(0, 99, 2),
    angle=rng.choice([0.0, np.pi / 2]),
    specular=rng.uniform(0.05, 0.4) if hard else 0.0,
    gloss=rng.uniform(15, 80),
    infrared=rng.uniform(0.4, 0.9),
  )


def ceiling(rng: np.random.Generator) -> Material:
  """Return a mostly light ceiling: plaster, panels or boards."""
  pattern = str(rng.choice(["plaster", "plain", "tiles", "planks"],
                           p=[0.6, 0.2, 0.13, 0.07]))  # fmt: skip
  base = colour(rng, (0, 0.25), (0.35, 0.9))
  return Material(
    pattern,
    np.stack([base, 0.8 * base]),
    scale=0.6 if pattern == "tiles" else rng.uniform(0.1, 0.4),
    phase=rng.uniform(0, 99, 2),
    infrared=rng.uniform(0.6, 1.0),
  )


def lamp(rng: np.random.Generator, glow: np.ndarray) -> Material:
  """Return a shade that glows in the colour of its light."""
  shade = 0.5 + 0.5 * glow / glow.max()
  return Material("plain", shade[None], emission=rng.uniform(1.0, 3.0))


def outdoors(rng: np.random.Generator, brightness: float) -> Material:
  """Return what is seen through a window: sky and trees."""
  sky = np.array([0.45, 0.65, 1.0]) * rng.uniform(0.5, 1)
  leaf = colour(rng, (0.2, 0.7), (0.1, 0.5)) * (0.7, 1.0, 0.5)
  return Material(
    "outdoors",
    np.stack([sky, np.full(3, rng.uniform(0.7, 1)), leaf]),
    scale=rng.uniform(0.8, 2.0),
    phase=np.array([rng.uniform(0, 99), rng.uniform(-0.3, 0.5)]),
    specular=0.3,
    gloss=200.0,
    emission=brightness,
    infrared=rng.uniform(0.03, 0.25),
  )


def screen(rng: np.random.Generator) -> Material:
  """Return a television screen, black and glossy, or showing something."""
  on = rng.random() < 0.35
  colours = [colour(rng, (0, 0.9)) for _ in range(5)] if on else [
    np.full(3, rng.uniform(0.004, 0.03))
  ]  # fmt: skip
  return Material(
    "art" if on else "plain",
    np.stack(colours),
    scale=rng.uniform(0.5, 1.5),
    phase=rng.uniform(0, 99, 2),
    specular=0.6,
    gloss=120.0,
    emission=rng.uniform(0.3, 1.0) if on else 0.0,
    infrared=rng.uniform(0.03, 0.2),
  )


def _contrast(rng: np.random.Generator, base: np.ndarray) -> np.ndarray:
  if rng.random() < 0.5:
    return base * rng.uniform(0.3, 0.8)
  return colour(rng)
