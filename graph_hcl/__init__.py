"""Hard-negative contrastive learning on graphs: losses, augmentations, encoders, honest probes."""

__version__ = "0.1.0"
