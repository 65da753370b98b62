"""Names from other programs and earlier versions, and the names here."""

from collections.abc import Iterable

_USUAL = {
  "augmentation": "augment",
  "balancer": "balancing",
  "batch": "batch_size",
  "batchsize": "batch_size",
  "bs": "batch_size",
  "ckpt": "checkpoint",
  "clip": "clip_norm",
  "dataset": "data",
  "dir": "directory",
  "eval": "evaluate",
  "gamma": "decay_rate",
  "grad_clip": "clip_norm",
  "gradient_clip": "clip_norm",
  "iterations": "steps",
  "lr": "learning_rate",
  "max_epochs": "epochs",
  "max_grad_norm": "clip_norm",
  "max_steps": "steps",
  "memory": "ema_decay",
  "network": "model",
  "new_share": "ema_new_weight",
  "num_epochs": "epochs",
  "num_steps": "steps",
  "num_workers": "workers",
  "opt": "optimizer",
  "optim": "optimizer",
  "pair_share": "pair_weighting",
  "path": "directory",
  "precision": "dtype",
  "root": "directory",
  "save": "checkpoint",
  "share": "label_weighting",
  "shares": "auxiliary_weights",
  "step_size": "decay_epochs",
  "train_steps": "steps",
  "training": "train",
  "wd": "weight_decay",
}


def usual_name(name: str, known: Iterable[str]) -> str | None:
  """Return the known name for one from another program.

  Args:
    name: what was typed, dotted or not, such as "optimizer.lr".
    known: what there is, such as "optimizer.learning_rate".

  Returns:
    The one whose last part is meant, of the same section if it has one; None
    if nothing is.
  """
  section, _, last = name.rpartition(".")
  meant = _USUAL.get(last.lower())
  if meant is None:
    return None
  found = [other for other in known if other.rpartition(".")[2] == meant]
  inside = [other for other in found if other.rpartition(".")[0] == section]
  return next(iter(inside or found), None)
