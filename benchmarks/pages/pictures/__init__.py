"""The pictures of the documentation, from runs on `digits` and committed results."""
