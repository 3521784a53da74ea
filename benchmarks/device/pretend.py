"""A device that is only pretended: mistakes of devices are found on a machine that has but a CPU.

Inside `pretended()`, tensors on the device "meta" have values, which the CPU computes, but behave
as those of a GPU do: an operation on tensors of two devices is an error, so is a generator of
another device, `numpy()` needs `cpu()` first, and whatever makes a program wait for a GPU is
counted by the place that does it. Everything else computes what it does on the CPU, bit for bit.

    with pretended() as device:
        train(device=DEVICE)
    device.waits
"""

from __future__ import annotations

import collections
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from graph_hcl.augment import walk
from graph_hcl.data import kept
from graph_hcl.with_triton import why_no_kernel

DEVICE = torch.device("meta")
WAITING = {
    *("_local_scalar_dense", "nonzero", "equal", "masked_select", "bincount", "histc"),
    *("_unique", "_unique2", "unique_dim", "unique_consecutive", "unique_dim_consecutive"),
    *("_linalg_eigh", "_linalg_svd", "linalg_lstsq", "_linalg_slogdet", "allclose"),
}
"""Operations after which CUDA waits for the device: the shape or the value of what they return is
needed on the host, or a status is."""
TAKES_HOST_INDEX = {"index", "index_put", "index_put_", "_index_put_impl_"}
ROOT = Path(__file__).parents[2]
OWN = (str(ROOT / "graph_hcl"), str(ROOT / "benchmarks"), str(ROOT / "tests"))


class WrongDevice(RuntimeError):
    """An operation on tensors or a generator of different devices."""


def place() -> str:
    """Return file and line of the innermost call in this project, but for this folder's."""
    frame = sys._getframe(1)
    here = str(Path(__file__).parent)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(OWN) and not name.startswith(here):
            return f"{Path(name).relative_to(ROOT)}:{frame.f_lineno}"
        frame = frame.f_back
    return "elsewhere"


class _Held(Tensor):
    """A tensor that says it is on the pretended device, and holds one of the CPU."""

    @staticmethod
    def __new__(cls, held: Tensor) -> _Held:
        return Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            device=DEVICE,
        )

    def __init__(self, held: Tensor) -> None:
        self.held = held

    def __repr__(self, **_: Any) -> str:
        return f"pretended({self.held!r})"

    def __getitem__(self, key: Any) -> Tensor:
        return super().__getitem__(_as_index(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_as_index(key), value)

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def new_tensor(self, data: Any, **options: Any) -> Tensor:
        return torch.tensor(data, **{"dtype": self.dtype, "device": DEVICE} | options)

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise WrongDevice(f"{func} on a pretended tensor outside of pretended().")


class Pretended(TorchDispatchMode):
    """Carries operations out on the CPU, after a check of their devices.

    `waits` counts by place what would wait for the device.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits: collections.Counter[str] = collections.Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if torch.is_inference_mode_enabled():  # elsewhere torch takes operations apart before
            with self:
                found = func.decompose(*args, **kwargs)
            if found is not NotImplemented:
                return found
        name = func.overloadpacket.__name__
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        ours = [each for each in tensors if isinstance(each, _Held)]
        if any(each.device == DEVICE and not isinstance(each, _Held) for each in tensors):
            raise WrongDevice(f"{func} on a tensor that was not made inside pretended().")
        goal = kwargs.get("device")
        to_ours = bool(ours) if goal is None else torch.device(goal) == DEVICE
        if goal is not None:
            kwargs["device"] = torch.device("cpu") if to_ours else goal
        if self._crosses(func, name, tensors, ours, to_ours, args, kwargs) or (
            ours and self._waits(name, args, kwargs)
        ):
            self.waits[place()] += 1
        self._check_generator(kwargs.get("generator"), to_ours)
        same = {id(each.held): each for each in ours}

        def wrapped(each: Any) -> Any:
            if not isinstance(each, Tensor):
                return each
            if id(each) in same:  # changed in place: autograd demands the very tensor
                return same[id(each)]
            return _Held(each) if to_ours else each

        # In inference mode torch cannot wrap tensors; ours have no gradient there either.
        with torch.inference_mode(False), torch.no_grad():
            found = func(*tree_map(_held, args), **tree_map(_held, kwargs))
            return tree_map(wrapped, found)

    def _crosses(
        self, func: Any, name: str, tensors: Any, ours: Any, to_ours: bool, args: Any, kwargs: Any
    ) -> bool:
        """Tell whether an operation copies between devices and waits; raise for a mixture."""
        blocking = not kwargs.get("non_blocking", False)
        if name in ("_to_copy", "_copy_from"):
            return blocking and bool(ours) != to_ours
        if name in ("copy_", "copy"):
            flag = args[2] if len(args) > 2 else kwargs.get("non_blocking", False)
            return not flag and isinstance(args[0], _Held) != isinstance(args[1], _Held)
        if not ours or len(ours) == len(tensors):
            return False
        others = [each for each in tensors if not isinstance(each, _Held)]
        if name in TAKES_HOST_INDEX and isinstance(args[0], _Held):
            value = args[2] if len(args) > 2 else None
            if value is None or isinstance(value, _Held) or not value.dim():
                return any(each.dim() for each in others)
        # On CUDA, a number may come as a tensor without dimensions, and an optimizer's step does.
        elif not any(each.dim() for each in others) and name not in ("cat", "stack"):
            return False
        shapes = [(str(each.device.type), list(each.shape)) for each in tensors]
        raise WrongDevice(f"{func} on tensors of two devices: {shapes}.")

    def _waits(self, name: str, args: Any, kwargs: Any) -> bool:
        """Tell whether CUDA waits for the device in an operation on tensors of one device."""
        if name in WAITING:
            return True
        if name == "repeat_interleave":
            return kwargs.get("output_size") is None
        if name in TAKES_HOST_INDEX:
            masks = [each for each in args[1] if each is not None and each.dtype == torch.bool]
            return bool(masks) and (name == "index" or args[2].numel() > 1)
        return False

    def _check_generator(self, generator: Any, to_ours: bool) -> None:
        if generator is not None and (generator._cdata in _Generator.pretended) != to_ours:
            raise WrongDevice("A generator of another device than the tensors that are drawn.")


class _Generator(torch.Generator):
    """Takes the place of `torch.Generator`; those of the pretended device can be told from others.

    Operations get another object of the same generator, so its address is what is remembered.
    """

    pretended: ClassVar[dict[int, torch.Generator]] = {}

    def __new__(cls, device: Any = "cpu") -> _Generator:
        made: _Generator = super().__new__(cls)
        if torch.device(device) == DEVICE:
            cls.pretended[made._cdata] = made
        return made


def _as_index(key: Any) -> Any:
    """Return an index with its lists as tensors, which torch makes where no mode sees it."""
    if isinstance(key, tuple):
        return tuple(map(_as_index, key))
    if not isinstance(key, list):
        return key
    return torch.tensor(key, device=DEVICE, dtype=None if key else torch.long)


def _held(each: Any) -> Any:
    return each.held if isinstance(each, _Held) else each


def _made_there(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return `torch.tensor` or `torch.as_tensor` with a copy to the device that the mode sees."""

    def made(data: Any, *, device: Any = None, **options: Any) -> Tensor:
        if device is None:
            return make(data, **options)
        if isinstance(data, Tensor) and make is _AS_TENSOR:
            return data.to(device, options.get("dtype"))
        return make(data, **options).to(device)

    return made


def takes_kernel(device: torch.device) -> bool:
    """Tell whether the kernel of walks runs there: on ours by Triton's interpreter."""
    where = torch.device("cpu") if device == DEVICE else device
    return device.type != "cpu" and why_no_kernel(where, walk.kernel()) is None


_TENSOR, _AS_TENSOR = torch.tensor, torch.as_tensor


@contextmanager
def pretended() -> Iterator[Pretended]:
    """Pretend that "meta" is a GPU inside the block."""
    mode, autocast, run = Pretended(), torch.is_autocast_enabled, walk.run

    def is_autocast_enabled(device_type: str = "cuda") -> bool:
        return device_type != DEVICE.type and bool(autocast(device_type))

    def run_walk(graphs: int, *given: Tensor) -> None:
        with torch.inference_mode(False), torch.no_grad():
            run(graphs, *map(_held, given))

    with (
        mock.patch.object(torch, "Generator", _Generator),
        mock.patch.object(kept, "GO_ON", ("cuda", DEVICE.type)),
        mock.patch.object(walk, "takes_kernel", takes_kernel),
        mock.patch.object(walk, "run", run_walk),
        mock.patch.object(torch, "is_autocast_enabled", is_autocast_enabled),
        mock.patch.object(torch, "tensor", _made_there(_TENSOR)),
        mock.patch.object(torch, "as_tensor", _made_there(_AS_TENSOR)),
        mode,
    ):
        yield mode
