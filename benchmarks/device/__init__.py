"""What runs on a GPU: is it right there, where does it wait, how fast is it."""
