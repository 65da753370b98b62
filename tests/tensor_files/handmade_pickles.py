"""Files as torch.save and numpy.save write them, opcode by opcode."""

import io
import pickle
import struct
import zipfile

import numpy as np

STORAGES = {
  "<f8": "DoubleStorage",
  "<f4": "FloatStorage",
  "<f2": "HalfStorage",
  "<V2": "BFloat16Storage",  # as numpy writes that of ml_dtypes
  "<i8": "LongStorage",
  "|b1": "BoolStorage",
}


def text(value):
  encoded = value.encode()
  return b"X" + struct.pack("<i", len(encoded)) + encoded


def number(value):
  return b"J" + struct.pack("<i", value)


def sizes(values):
  return b"(" + b"".join(map(number, values)) + b"t"


def tensor(key, array, *, legacy, offset=0, shape=None, strides=None):
  """The pickled call that rebuilds a tensor from a storage."""
  storage = STORAGES[array.dtype.str]
  strides = strides or [s // array.itemsize for s in array.strides]
  persistent = (
    b"("
    + text("storage")
    + b"ctorch\n"
    + storage.encode()
    + b"\n"
    + text(key)
    + text("cpu")
    + number(array.size)
    + (b"N" if legacy else b"")
    + b"tQ"
  )
  return (
    b"ctorch._utils\n_rebuild_tensor_v2\n("
    + persistent
    + number(offset)
    + sizes(shape or array.shape)
    + sizes(strides)
    + b"\x89ccollections\nOrderedDict\n)RtR"
  )


def dictionary(entries):
  body = b"".join(text(name) + value for name, value in entries.items())
  return b"\x80\x02}(" + body + b"u."


def legacy_file(content, storages):
  """Five pickles, then the storages."""
  info = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
  head = [0x1950A86A20F9469CFC6C, 1001, info]
  return b"".join(
    [
      *(pickle.dumps(part, protocol=2) for part in head),
      content,
      pickle.dumps(list(storages), protocol=2),
      *(
        struct.pack("<q", array.size) + array.tobytes("A")
        for array in storages.values()
      ),
    ]
  )


def zip_file(content, storages, *, compression=zipfile.ZIP_STORED):
  stream = io.BytesIO()
  with zipfile.ZipFile(stream, "w", compression) as archive:
    archive.writestr("split/data.pkl", content)
    archive.writestr("split/byteorder", "little")
    for key, array in storages.items():
      archive.writestr(f"split/data/{key}", array.tobytes("A"))
    archive.writestr("split/version", "3\n")
  return stream.getvalue()


def torch_file(arrays, *, legacy=True):
  """A file of a dictionary of arrays, each with its own storage."""
  storages = {str(94156 + i): a for i, a in enumerate(arrays.values())}
  content = dictionary(
    {
      name: tensor(key, array, legacy=legacy)
      for name, (key, array) in zip(arrays, storages.items(), strict=True)
    }
  )
  return (legacy_file if legacy else zip_file)(content, storages)


def call(module, name, argument):
  """The pickled call module.name(argument)."""
  return f"c{module}\n{name}\n".encode() + text(argument) + b"\x85R"


def npy_header():
  header = {"descr": "|O", "fortran_order": False, "shape": ()}
  stream = io.BytesIO()
  np.lib.format.write_array_header_1_0(stream, header)
  return stream.getvalue()
