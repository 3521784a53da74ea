"""Ways to damage valid files."""

import contextlib
import json
import random
import re
import struct
from typing import Any

import yaml

WORDS = (
    "", "0", "-0", "1", "-1", "2", "7", "1e308", "1e309", "-1e308", "1e39", "nan", "inf", "-inf",
    "NaN", "Infinity", "0x10", "1_0", "½", "٣", "²", "2147483648", "4294967296",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "9" * 400, "9" * 5000,
    "1e-400", "0.1", ".", "+", "true", "null", "~", "None", "x" * 3000, "\x00", "\ufeff", "\u2028",
    "\u202e", "é", "😀", "\udcff", "../../x", "/etc/passwd", "C:x", "builtins:exit", "os:abort",
    "MUTAG", "${HOME}", "{}", "[]", "()", "((", "))", "[" * 3000, "{" * 3000, "(" * 3000,
    '{"a":' * 2000, "- " * 2000, "!!python/object/apply:os.abort []", "&a [*a]", "*a", "<<: *a",
    "&a {k: *a}", "!!binary x", "!!timestamp 9", "2001-99-99", "? [a]", "#", "%", "'", '"', "\\",
    ",", ";", ":", "\t", "|", "\r", "\n", "\r\n", "\n\n", "=", "=1+1", "<", ">", "&", "&lt;",
    "<!DOCTYPE a>", "<![CDATA[", "]]>", "<!--", "--", "<node/>", "<edge/>", "<data/>", "<a",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 10**6, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, -(2**63) - 1,
    10**400, 0.5, -0.5, 1e308, 1e-320, float("nan"), float("inf"), -float("inf"), "", "x", "7",
    "nan", "\x00", "é", "\ud800", "x" * 2000, "../../x", "builtins:exit", "os:abort", [], {}, [[]],
    [None], [0], [1, 2, 3], ["a"], {"a": 1}, {"": None}, [[0, 1]], [[0, 1], [2]], {"a": {"b": []}},
)  # fmt: skip


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def damage_text(rng: random.Random, text: bytes) -> bytes:
    """Return a text with one word, line or stretch of bytes changed."""
    kind = rng.randrange(12)
    word = rng.choice(WORDS).encode("utf-8", "surrogatepass")
    if kind <= 3:
        spots = list(re.finditer(rb"[\w.+-]+", text))
        if spots:
            spot = rng.choice(spots)
            return text[: spot.start()] + word + text[spot.end() :]
    if kind == 4:
        spots = list(re.finditer(rb"[^\w\s]", text))
        if spots:
            spot = rng.choice(spots)
            return text[: spot.start()] + word + text[spot.end() :]
    if kind == 5:
        place = rng.randint(0, len(text))
        return text[:place] + word + text[place:]
    if kind <= 8 and text:
        lines = text.splitlines(keepends=True)
        place = rng.randrange(len(lines))
        if kind == 6:
            del lines[place]
        elif kind == 7:
            lines[place:place] = [rng.choice(lines)] * rng.choice([1, 2, 50])
        else:
            other = rng.randrange(len(lines))
            lines[place], lines[other] = lines[other], lines[place]
        return b"".join(lines)
    if kind == 9:
        return text[: rng.randint(0, len(text))]
    return damage_bytes(rng, text)


def damage_bytes(rng: random.Random, content: bytes) -> bytes:
    """Return a file with some bytes changed, cut out, doubled or put in."""
    changed = bytearray(content)
    kind = rng.randrange(6)
    if not changed or kind == 0:
        place = rng.randint(0, len(changed))
        changed[place:place] = rng.randbytes(rng.choice([1, 4, 100]))
    elif kind == 1:
        del changed[rng.randrange(len(changed)) :]
    elif kind == 2:
        first = rng.randrange(len(changed))
        del changed[first : first + rng.choice([1, 2, 8, 64])]
    elif kind == 3:
        first = rng.randrange(len(changed))
        changed[first:first] = changed[first : first + rng.choice([1, 8, 64])]
    else:
        for _ in range(rng.choice([1, 1, 2, 8])):
            changed[rng.randrange(len(changed))] = rng.choice(
                [0, 1, 127, 128, 255, rng.randrange(256)]
            )
    return bytes(changed)


def damage_value(rng: random.Random, value: Any, path: int = 0) -> Any:
    """Return a nested value with one of its entries replaced, left out, added or wrapped."""
    inside = isinstance(value, dict | list) and len(value) > 0
    if inside and rng.random() < (0.95 if path < 2 else 0.7):
        copy: Any = dict(value) if isinstance(value, dict) else list(value)
        place = rng.choice(list(copy) if isinstance(copy, dict) else range(len(copy)))
        kind = rng.random()
        if kind < 0.08:
            del copy[place]
        elif kind < 0.12:
            if isinstance(copy, dict):
                copy[rng.choice(["", "x", "y", place[:-1] if isinstance(place, str) else "z"])] = (
                    copy[place]
                )
            else:
                copy.insert(place, rng.choice(VALUES))
        else:
            copy[place] = damage_value(rng, copy[place], path + 1)
        return copy
    if isinstance(value, str) and rng.random() < 0.3:
        with contextlib.suppress(ValueError, RecursionError):
            nested = json.loads(value)
            if isinstance(nested, dict | list):
                return json.dumps(damage_value(rng, nested))
        return damage_text(rng, value.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
    if rng.random() < 0.03:
        return deep(rng.choice([5, 50, 400]))
    if rng.random() < 0.05:
        return rng.choice([[value], {"a": value}, [value] * 40])
    return rng.choice(VALUES)


def damage_json(rng: random.Random, text: bytes) -> bytes:
    """Return a JSON text, or lines of them, with one value or some characters changed."""
    if rng.random() < 0.35:
        return damage_text(rng, text)
    lines = text.splitlines() if text.count(b"\n{") else [text]
    place = rng.randrange(len(lines))
    lines[place] = json.dumps(damage_value(rng, json.loads(lines[place]))).encode()
    return b"\n".join(lines)


def damage_yaml(rng: random.Random, text: bytes) -> bytes:
    """Return a YAML text with one value or some characters changed."""
    if rng.random() < 0.4:
        return damage_text(rng, text)
    changed = damage_value(rng, yaml.safe_load(text))
    try:
        return yaml.safe_dump(changed, sort_keys=False).encode("utf-8", "surrogatepass")
    except (yaml.YAMLError, ValueError):  # an int of too many digits
        return damage_text(rng, text)


def damage_tensors(rng: random.Random, content: bytes) -> bytes:
    """Return a safetensors file with its header, its length or some bytes changed."""
    if rng.random() < 0.2:
        return damage_bytes(rng, content)
    header, body = parted(content)
    if rng.random() < 0.1:
        size = len(content) - 8 - len(body)
        size = rng.choice([0, 1, size - 1, size + 1, len(content), 10**8, 2**40, 2**63, 2**64 - 1])
        return struct.pack("<Q", size) + content[8:]
    if rng.random() < 0.5 and "__metadata__" in header:
        header["__metadata__"] = damage_value(rng, header["__metadata__"])
    else:
        names = [name for name in header if name != "__metadata__"]
        name = rng.choice(names)
        kind = rng.randrange(7)
        if kind == 0:
            header[name]["dtype"] = rng.choice(
                ["F64", "F16", "BF16", "I64", "I32", "I8", "U8", "BOOL", "F8_E4M3", "C64", "U64",
                 "U16", "F4", "F8_E8M0", "x"]
            )  # fmt: skip
        elif kind == 1:
            header[name]["shape"] = rng.choice(
                [[], [0], [1], [0, 0], [2**62, 4], [2**32, 2**32], [-1], [1] * 70,
                 [*header[name]["shape"], 1], header[name]["shape"][::-1]]
            )  # fmt: skip
        elif kind == 2:
            begin, end = header[name]["data_offsets"]
            header[name]["data_offsets"] = rng.choice(
                [[end, begin], [begin, end + 8], [begin, begin], [0, 2**63], [begin + 4, end + 4]]
            )
        elif kind == 3:
            header[rng.choice(["", "x", "../../x", "model.", "x." * 99, "\x00"])] = header.pop(name)
        elif kind == 4:
            del header[name]
        elif kind == 5:  # same bytes, other meaning
            count = (header[name]["data_offsets"][1] - header[name]["data_offsets"][0]) // 4
            header[name] |= {"dtype": rng.choice(["F32", "I32"]), "shape": [count]}
        else:
            header[name] = damage_value(rng, header[name])
    return joined(header, body)


def parted(content: bytes) -> tuple[Any, bytes]:
    """Return the header and the bytes of a safetensors file."""
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def joined(header: Any, body: bytes) -> bytes:
    """Return a safetensors file."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body
