"""Is it right on a device? Each check compares with the CPU, and raises `AssertionError`.

The tests and the command share these checks. Each takes the device; `pretend.DEVICE` is one.
"""

from __future__ import annotations

import importlib

import torch

from benchmarks.device.checks.common import Check, Skipped

GROUPS = ("losses", "graphs", "training")


def _gathered(kind: str) -> dict[str, Check]:
    """Return the checks of all groups; a group that lacks a package is a check that says so."""
    found: dict[str, Check] = {}
    for group in GROUPS:
        try:
            found |= getattr(importlib.import_module(f"{__name__}.{group}"), kind)
        except ImportError as error:
            found[group] = _lacking(error)
    return found


def _lacking(error: ImportError) -> Check:
    def check(device: torch.device) -> None:
        raise error

    return check


CHECKS = _gathered("CHECKS")
ON_HARDWARE = _gathered("ON_HARDWARE")
"""Checks of what a pretended device does not have: its own arithmetic, memory and way to wait."""


def outcome(check: Check, device: torch.device) -> str:
    """Return "right", "skipped: why" or "wrong: why" for a check."""
    try:
        check(device)
    except Skipped as why:
        return f"skipped: {why}"
    except Exception as error:
        return f"wrong: {type(error).__name__}: {error}"
    return "right"
