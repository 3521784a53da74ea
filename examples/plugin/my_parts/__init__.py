"""One part of each kind, by import path."""
