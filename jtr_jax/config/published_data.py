"""The settings of the papers on data sets other than NYUv2."""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from jtr_jax.config import presets

_COMMON: Mapping[str, Any] = {
  "variant": "paper",
  "seed": 0,
  "epochs": 0,
  "steps": 0,
  "balancing": "uniform",
}
CITYSCAPES_ARGUMENTS: dict[str, Any] = {
  "scenario": "onelabel",
  "tasks": ("segmentation", "depth"),
  **_COMMON,
}
TASKONOMY_ARGUMENTS: dict[str, Any] = {
  "scenario": "onelabel",
  "tasks": (),  # all
  **_COMMON,
}
_WITH_METHOD: Mapping[str, Any] = {
  "scenario": "full",
  "method": "supervised",
  **{name: value for name, value in _COMMON.items() if name != "variant"},
}
PASCAL_ARGUMENTS: dict[str, Any] = {**_WITH_METHOD, "tasks": ()}
NYUD_ARGUMENTS: dict[str, Any] = {
  **_WITH_METHOD,
  "tasks": ("segmentation", "depth", "normals"),
}
CIFAR_ARGUMENTS: dict[str, Any] = {**_WITH_METHOD, "tasks": ()}
AUTO_LAMBDA_ARGUMENTS: dict[str, Any] = {
  **_WITH_METHOD,
  "tasks": ("segmentation", "part_segmentation", "disparity"),
}


def of_single_tasks(arguments: Mapping[str, Any]) -> dict[str, Any]:
  """Return the arguments of a config of single-task networks."""
  kept = {name: value for name, value in arguments.items() if name != "method"}
  return {"task": "", **kept}


def cityscapes(method: str, *, variant: str, **common: Any) -> ConfigDict:
  """Return JTR's setting of a method on MTAN's Cityscapes: two tasks.

  SegNet, batch 16, mirrored at random; otherwise as on NYUv2.

  Args:
    method: see `use_method`.
    variant: "paper", or "official" for that of the released program on NYUv2,
      with this batch.
    **common: see `set_common`.

  Source: JTR supplement, Sec. 6.2; released loader of Cityscapes (mirroring).
  """
  config = _of_jtr("cityscapes", method, variant, batch=16, **common)
  config.augment.flip = True
  return config


def taskonomy(method: str, *, variant: str, **common: Any) -> ConfigDict:
  """Return JTR's setting of a method on the Tiny split of Taskonomy.

  SegNet, batch 8, 20 epochs; the learning rate is that of NYUv2.

  Args:
    method: see `use_method`.
    variant: see `cityscapes`.
    **common: see `set_common`.

  Source: JTR supplement, Sec. 6.2 and Table 19.
  """
  config = _of_jtr("taskonomy", method, variant, batch=8, **common)
  config.train.epochs = common["epochs"] or 20
  config.evaluate.every_epochs = config.checkpoint.every_epochs = 1
  return config


def pascal(method: str, **common: Any) -> ConfigDict:
  """Return IAL's setting on PASCAL-Context: five tasks.

  ResNet-18 with a DeepLab head for each task, Adam 1e-4, 100 epochs.

  Args:
    method: see `use_method`.
    **common: see `set_common`.

  Source: IAL, Sec. IV-C4. The batch, 6, and the falling rate are those of the
    code base it builds on (Vandenhende et al.); the paper has neither.
  """
  config = _with_heads("pascal", "resnet18", "deeplabv3", method)
  config.train.update(batch_size=6, epochs=100)
  config.optimizer.update(learning_rate=1e-4, schedule="poly")
  config.augment.flip = True
  return presets.set_common(config, **common)


def nyud(method: str, **common: Any) -> ConfigDict:
  """Return AMTL's setting on NYUD_MT: 40 classes, 480x640.

  Dilated ResNet-50 and DeepLabV3, batch 8, 100 epochs, Adam with weight decay
  and a cosine schedule.

  Args:
    method: see `use_method`.
    **common: see `set_common`.

  Source: AMTL supplement, Sec. A.1 and B.1. It searches the learning rate from
    8e-4 down; here it is the usual 1e-4.
  """
  config = _with_heads("nyud", "resnet50", "deeplabv3", method)
  presets.use_optimizer(config, "adam", weight_decay=5e-4)
  config.train.update(batch_size=8, epochs=100)
  config.optimizer.update(learning_rate=1e-4, schedule="cosine")
  config.augment.flip = True
  return presets.set_common(config, **common)


def cityscapes_three(method: str, **common: Any) -> ConfigDict:
  """Return IAL's setting on Cityscapes: 19 classes, parts and disparity.

  Dilated ResNet-50 with a DeepLab head for each task, 256x512.

  Args:
    method: see `use_method`.
    **common: see `set_common`.

  Source: IAL, Sec. IV-C. It trains with SGD at 3e-5 "as Auto-lambda", whose
    code has that rate for its meta step: here Adam at 1e-4, as IAL on NYUv2.
  """
  config = _with_heads("cityscapes", "resnet50", "deeplabv3", method)
  config.data.directory = "data/cityscapes_3"
  config.train.update(batch_size=12, epochs=100)
  config.optimizer.learning_rate = 1e-4
  config.augment.flip = True
  return presets.set_common(config, **common)


def cifar(method: str, **common: Any) -> ConfigDict:
  """Return IAL's setting on Multi-CIFAR100: 20 tasks of five classes.

  VGG-16 and a linear layer for each task. What the paper leaves open is as in
  Auto-lambda's code: SGD at 0.1 with momentum, cosine schedule, 200 epochs.

  Args:
    method: see `use_method`.
    **common: see `set_common`.

  Source: IAL, Sec. IV-F; Liu et al. 2022 (Auto-lambda), `trainer_cifar.py`.
  """
  config = _with_heads("cifar", "vgg16_bn", "linear", method)
  presets.use_optimizer(config, "sgd", momentum=0.9)
  config.train.update(batch_size=80, epochs=200)
  config.optimizer.update(learning_rate=0.1, schedule="cosine")
  config.augment.flip = True
  return presets.set_common(config, **common)


def _of_jtr(
  data: str, method: str, variant: str, *, batch: int, **common: Any
) -> ConfigDict:
  """Return the setting of NYUv2 on other data, in other batches."""
  config = presets.use_data(presets.base(), data)
  presets.use_method(config, method, variant=variant)
  presets.use_schedule(config, method, variant=variant)
  config.train.batch_size = batch
  return presets.set_common(config, **common)


def _with_heads(data: str, backbone: str, head: str, method: str) -> ConfigDict:
  """Return a config with a head for each task on a backbone."""
  config = presets.use_data(presets.base(), data)
  presets.use_model(config, backbone, head=head)
  return presets.use_method(config, method)
