"""Identity numbers are masked in text and recognised in addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.masking import holds_identity, mask


@pytest.mark.parametrize(
    "number", ["199001012385", "19900101-2385", "9001012385", "900101-2385", "900101+2385", "199001612385", "900101−2385"]
)
def test_everything_shaped_like_an_identity_number_is_masked(number: str) -> None:
    assert mask(f"case of {number}, again {number}.") == "case of [masked], again [masked]."


def test_other_numbers_are_left() -> None:
    assert mask("errand 12345, phone 070-1234, sum 4345.50") == "errand 12345, phone 070-1234, sum 4345.50"


@pytest.mark.parametrize("text", ["199001012385", "/person/900101-2385/x", "who=9001012385&x=1", "199001612382"])
def test_a_real_identity_number_is_recognised(text: str) -> None:
    assert holds_identity(text)


@pytest.mark.parametrize("text", ["199001012386", "199013012385", "cb20c51f-fcf3-42c0-b613-199001012385", "EB-26110123", "2281", ""])
def test_what_is_no_identity_number_may_stand_in_an_address(text: str) -> None:
    assert not holds_identity(text)


@given(st.text())
def test_masking_leaves_nothing_that_would_be_recognised(text: str) -> None:
    assert not holds_identity(mask(text))
