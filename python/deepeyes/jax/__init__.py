"""JAX: `deepeyes.jax.observe` takes the activations of a Flax NNX model, or a single layer's, also inside `jit`."""

from ._observe import observe

__all__ = ["observe"]
