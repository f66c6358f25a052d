"""The loops' building blocks: code points of bytes, and where a tag ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.text.kernels.profile import decode, tag_end


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=10))
def test_bytes_become_the_code_points_that_they_are_of(text: str) -> None:
    data, at, points = np.frombuffer(text.encode(), np.uint8), 0, []
    while at < len(data):
        point, step = decode(data, at)
        points.append(int(point))
        at += step
    assert points == [ord(char) for char in text] and at == len(data)


@pytest.mark.parametrize(
    ("text", "end"),
    [("<b>x", 3), ("</b>", 4), ("<!-- x -->", 10), ("< b>", 0), ("<3>", 0), ("<b", 0), ("<b <i>", 0), ("<", 0)],
)
def test_where_a_tag_ends(text: str, end: int) -> None:
    data = np.frombuffer(text.encode(), np.uint8)
    assert tag_end(data, 0, len(data)) == end


def test_a_tag_ends_within_its_text_and_some_hundred_bytes() -> None:
    data = np.frombuffer(b"<b>" + b"<a" + b"x" * 400 + b">", np.uint8)
    assert tag_end(data, 0, 2) == 0 and tag_end(data, 3, len(data)) == 0
