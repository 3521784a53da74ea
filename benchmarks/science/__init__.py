"""Reproductions of claims of papers."""
