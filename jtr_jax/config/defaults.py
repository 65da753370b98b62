"""The fields of a config: values, units, sources and types.

A config has the sections seed, tasks, stages, data, augment, model, method,
optimizer, balancing, train, evaluate, log and checkpoint. The fields of model,
method and the two balancers are what their entries in `builders` take, those of
augment are `AugmentSettings`; all others stand here, as JTR trains on NYUv2.
"""

import dataclasses
from typing import Any, Literal

from jtr_jax.data.augment.views import AugmentSettings
from jtr_jax.data.loading.feed import Placement
from jtr_jax.data.loading.selection import Images

TASKS = ("segmentation", "depth", "normals")

SECTIONS: dict[str, Any] = {
  "seed": 0,  # of initialisation, order, augmentation and sampling
  "tasks": TASKS,  # names, in order; () for all that the data has
  "stages": {
    "plan": "run",  # run: one network; stl: one for each task; primaries: one
    # with each task as the primary one (IAL); grid: one with each combination
    # of weights; must: teachers of one task each, then a student (MuST)
    "grid": (0.1, 0.2, 0.3, 0.4),  # an auxiliary task's weights (grid)
    "teachers": (),  # finished workdirs to take as teachers (must)
    "teacher_step": "latest",  # latest or best (must)
    "confidence": 0.5,  # least probability of a class in a pseudo label (must)
  },
  "data": {
    "name": "nyuv2",  # nyuv2, rooms, folder; prepared: whatever lies there
    "directory": "data/nyuv2",  # of the prepared records
    "raw": "",  # the user's files, to prepare from (folder)
    "train_split": "train",  # of the records
    "eval_split": "val",  # of the records; not for choosing a step honestly
    "size": (0, 0),  # (H, W) to prepare at, pixels; (0, 0): as the data is
    "train_count": 0,  # images to generate (rooms); 0: 795, as NYUv2
    "val_count": 0,  # images to generate (rooms); 0: 654, as NYUv2
    "scenario": "full",  # see data.splits: onelabel, randomlabels, ...
    "scenario_tasks": (),  # names it is drawn for; () for those of the run
    "split_seed": 0,  # of the scenario
    "split_file": "",  # text, .pth or .npy; takes the place of the scenario
    "images": "all",  # all, labelled or unlabelled ones, under the scenario
    "sources": {},  # name -> SOURCE: further images in every batch
    "placement": "auto",  # auto, device or stream
    "workers": 0,  # processes that read a stream; 0: threads
  },
  "augment": dataclasses.asdict(AugmentSettings()),
  "optimizer": {
    "name": "adam",  # JTR paper, Sec. 6.2
    "learning_rate": 1e-4,  # JTR paper, Sec. 6.2
    "decay_rate": 0.5,  # factor; released train_nyuv2.py
    "decay_epochs": 200,  # epochs between two falls; released train_nyuv2.py
    "clip_norm": 0.0,  # of a network's gradient; 0: not clipped, as published
  },
  "balancing": {
    "loss": {"name": "uniform"},  # makes one objective of the tasks' losses
    "gradient": {"name": "none"},  # makes one gradient of the tasks' gradients
    "scope": "default",  # what the gradient balancer acts on; its paper's
    "primary": "",  # task of the balancers that have one; "": the first, or all
    "task_loss": "share",  # of the method's objective, or mean over its labels
    "learning_rate": 1e-3,  # of what loss balancers learn, Adam; IAL: not given
    "at_once": 1,  # tasks whose gradients are computed together; 0: all
    "accuracy": "held_out",  # for AMTL, DTP: held_out; eval_split as released
    "held_out": 0.1,  # share of the training images, if measured on them
  },
  "train": {
    "batch_size": 4,  # images of the data; JTR paper, Sec. 6.2. Those of
    # data.sources come on top; the sum is divided among the devices
    "epochs": 300,  # JTR paper, Sec. 6.2; the released code trains 400
    "steps": 0,  # updates; 0: from the epochs
    "dtype": "float32",  # of the computation; parameters are float32
    "steps_per_dispatch": 1,  # updates in one call of the device
  },
  "evaluate": {
    "every_epochs": 5,  # epochs; the end of a run is evaluated in any case
    "batch_size": 4,  # images
    "baseline": "",  # JSON file of the results to compare with; "": none
    "pictures": 4,  # images that are drawn
  },
  "log": {
    "every_steps": 50,  # updates that a row of training losses sums up
  },
  "checkpoint": {
    "every_epochs": 5,  # epochs
    "keep_latest": 2,  # checkpoints
    "keep_best": 1,  # checkpoints
  },
}

_OF_ALL_SOURCES = ("sources", "placement", "workers")

SOURCE: dict[str, Any] = {
  **{f: v for f, v in SECTIONS["data"].items() if f not in _OF_ALL_SOURCES},
  "scenario": "found",  # see data.splits
  "per_batch": 1,  # images of it in every batch
  "tasks": (),  # names that are taken from it; () for all of the run's
  "eval_split": "",  # of its records, evaluated besides that of the data
}
"""What describes one of `data.sources`; see `config_lib.add_source`."""

NAMES = (*SECTIONS, "model", "method")

HINTS: dict[str, Any] = {
  "tasks": tuple[str, ...],
  "stages.plan": Literal["run", "stl", "primaries", "grid", "must"],
  "stages.grid": tuple[float, ...],
  "stages.teachers": tuple[str, ...],
  "stages.teacher_step": Literal["latest", "best"],
  "data.size": tuple[int, int],
  "data.scenario_tasks": tuple[str, ...],
  "data.images": Images,
  "data.tasks": tuple[str, ...],
  "data.placement": Placement,
  "balancing.accuracy": Literal["held_out", "eval_split"],
  "balancing.scope": Literal[
    "default", "shared_params", "features", "last_shared_layer"
  ],
  "balancing.task_loss": Literal["share", "mean"],
  "train.dtype": Literal["float32", "bfloat16"],
}
"""The types of fields whose value does not tell them."""
