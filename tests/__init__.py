"""How tests compile: quickly, as most programs run only once or twice.

The package is imported before JAX, and commands that tests start inherit this.
"""

import os
import pathlib
from importlib import metadata

ROOT = pathlib.Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"

# A compiler option for `jax.jit` where a test is about what XLA makes of a
# program; jaxlib 0.11 and later know no other way.
AS_EVERYWHERE = {}

os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
if metadata.version("jaxlib").startswith("0.10."):
  flags = os.environ.get("XLA_FLAGS", ""), "--xla_cpu_use_fusion_emitters=false"
  os.environ["XLA_FLAGS"] = " ".join(flags)
  AS_EVERYWHERE["xla_cpu_use_fusion_emitters"] = True
