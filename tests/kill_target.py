"""What a forked run needs: imported once, before anything of JAX starts."""

from jtr_jax import main

__all__ = ["main"]
