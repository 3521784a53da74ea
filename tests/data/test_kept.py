"""Rows that stay, on the CPU and on a pretended device, against Python's lists."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.device.pretend import DEVICE, pretended
from graph_hcl.data.kept import Asked, Kept, read_together


@given(mask=st.lists(st.booleans(), max_size=20))
@settings(max_examples=40, deadline=None)
def test_rows_are_counted_and_numbered_as_by_a_loop(mask) -> None:
    expected = [number for number, stays in enumerate(mask) if stays]
    with pretended() as seen:
        for device in (torch.device("cpu"), DEVICE):
            kept = Kept(torch.tensor(mask, dtype=torch.bool).to(device))
            ends = torch.arange(len(mask) + 1, device=device)
            seen.waits.clear()
            (count,), before = read_together([kept.count, kept.before(ends)])
            found = kept.numbers(count)
            assert seen.waits.total() == (device == DEVICE)
            assert found.device == device
            assert found.tolist() == expected
            assert before == [sum(mask[:end]) for end in range(len(mask) + 1)]
            assert count == len(expected)


def test_nothing_is_read_where_nothing_is_asked() -> None:
    assert read_together([]) == []


def test_the_host_goes_on_while_numbers_come() -> None:
    with pretended() as seen:
        asked = Asked(
            [torch.arange(3).to(DEVICE, non_blocking=True), torch.tensor([True]).to(DEVICE)]
        )
        seen.waits.clear()
        assert asked.read() == [[0, 1, 2], [1]]
        assert not seen.waits
    assert Asked([]).read() == []
