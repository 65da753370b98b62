"""Pickles as Python 2 wrote those of CIFAR-100, opcode by opcode."""

import struct

import numpy as np


def text(value):
  """A str of Python 2: bytes without an encoding."""
  raw = value if isinstance(value, bytes) else value.encode("latin1")
  if len(raw) < 256:
    return b"U" + bytes([len(raw)]) + raw
  return b"T" + struct.pack("<i", len(raw)) + raw


def number(value):
  return (
    b"K" + bytes([value]) if value < 256 else b"J" + struct.pack("<i", value)
  )


def array(values):
  """The pickled call that rebuilds an array of bytes."""
  dtype = b"cnumpy\ndtype\n" + text("u1") + b"K\x00K\x01\x87R"
  dtype += (
    b"(K\x03" + text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
  )
  shape = b"".join(map(number, values.shape))
  return (
    b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
    + b"K\x00\x85" + text("b") + b"\x87R(K\x01(" + shape + b"t" + dtype
    + b"\x89" + text(values.tobytes()) + b"tb"
  )  # fmt: skip


def numbers(values):
  return b"](" + b"".join(map(number, values)) + b"e"


def dictionary(entries):
  body = b"".join(text(name) + value for name, value in entries.items())
  return b"\x80\x02}(" + body + b"u."


def cifar(images, fine, coarse):
  """One of the files: pixels channel by channel."""
  pixels = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
  names = (
    b"](" + b"".join(text(f"x_s_{i}.png") for i in range(len(fine))) + b"e"
  )
  return dictionary(
    {
      "filenames": names,
      "batch_label": text("training batch 1 of 1"),
      "fine_labels": numbers(fine),
      "coarse_labels": numbers(coarse),
      "data": array(np.ascontiguousarray(pixels)),
    }
  )
