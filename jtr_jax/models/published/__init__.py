"""Networks as libraries publish them: load weights by their published names.

`load("torchvision.resnet50", tensors)` gives the variables of a network and
`export` the tensors of variables; `find` gives the network itself, whose
outputs can be compared with those of the library.
"""

from jtr_jax.models.published.registry import (
  NETWORKS as NETWORKS,
)
from jtr_jax.models.published.registry import (
  export as export,
)
from jtr_jax.models.published.registry import (
  find as find,
)
from jtr_jax.models.published.registry import (
  guess as guess,
)
from jtr_jax.models.published.registry import (
  load as load,
)
