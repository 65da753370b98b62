"""A few images of CIFAR-100 in its published files."""

import numpy as np

from tests.data.datasets import python2_pickles

TRAIN, TEST = [0, 51, 53, 2, 11, 98], [39, 99]
COARSE = {0: 4, 51: 4, 53: 4, 2: 14, 11: 14, 98: 14, 39: 5, 99: 13}


def images(count, seed):
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def content(fine, seed):
  coarse = [COARSE[i] for i in fine]
  return python2_pickles.cifar(images(len(fine), seed), fine, coarse)


def write(folder):
  folder.mkdir(parents=True)
  (folder / "train").write_bytes(content(TRAIN, 0))
  (folder / "test").write_bytes(content(TEST, 1))
  (folder / "meta").write_bytes(b"")
