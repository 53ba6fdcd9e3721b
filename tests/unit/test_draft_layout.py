"""The page: columns that stand straight, amounts that stay whole, nothing that disturbs a terminal."""

from __future__ import annotations

import textwrap

from hypothesis import given
from hypothesis import strategies as st

from robot.draft import words
from robot.draft.layout import WIDTH, bullet, columns, field, paragraph
from rules.assessment import Blank, Span
from rules.money import Ore, swedish


@given(st.text(max_size=400), st.integers(min_value=0, max_value=10))
def test_no_line_is_wider_than_the_page(text: str, indent: int) -> None:
    text = words.clean(text)
    for block in (paragraph(text, indent), bullet(text), field("Källa", text, 2), field(text, text), columns(text, "1", "2", "3")):
        assert all(len(line) <= WIDTH for line in block.split("\n"))


@given(st.lists(st.integers(min_value=-(10**13), max_value=10**13), min_size=1, max_size=30))
def test_an_amount_is_never_broken_over_two_lines(amounts: list[int]) -> None:
    written = [swedish(Ore(amount)) for amount in amounts]
    lines = paragraph(" ".join(written)).split("\n")

    assert [word for line in lines for word in line.split(" ")] == written


@given(st.text(max_size=200))
def test_a_cleaned_text_is_one_line_without_control_characters(text: str) -> None:
    cleaned = words.clean(text)

    assert len(cleaned.splitlines()) <= 1
    assert "\x1b" not in cleaned
    assert "\u202e" not in cleaned
    assert words.clean(cleaned) == cleaned


pieces = st.sampled_from(
    ["ord", "bindestreck-ord", "12 345 kr", "6\u00a0900\u00a0kr", "x" * 70, "y" * 101, "  ", " ", "\t", "\n", "\u00a0", "\u2028", "§", "å"]
)


@given(st.lists(pieces | st.text(max_size=20), max_size=40).map(" ".join), st.sampled_from([0, 2, 4]), st.sampled_from([0, 2]))
def test_lines_break_where_textwrap_breaks_them(text: str, indent: int, hang: int) -> None:
    text = "".join(char for char in text if not char.isdigit() and char not in "%§\x1f").replace("kap.", "").replace("kr", "")
    wrapped = textwrap.wrap(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + hang), break_on_hyphens=False)

    assert paragraph(text, indent, hang) == "\n".join(wrapped)


def test_a_law_is_kept_on_one_line() -> None:
    text = paragraph("x" * 92 + " 12 kap. 7 § och så vidare")

    assert text.split("\n")[1] == "12 kap. 7 § och så vidare"


def test_columns_stand_straight_whatever_the_label() -> None:
    short, long = columns("Hyra", "6\u00a0900", "–", "–"), columns("En mycket lång rubrik " * 5, "6\u00a0900", "–", "–")

    assert short.index("6\u00a0900") == long.split("\n")[-1].index("6\u00a0900")


def test_times_are_shown_in_swedish_time_to_the_minute() -> None:
    assert words.time("2026-11-30T05:00:00+00:00") == "2026-11-30 06:00"
    assert words.time("2026-11-30") == "2026-11-30"
    assert words.time(None) == ""
    assert words.time("i förrgår") == "i förrgår"


def test_what_the_words_do_not_know_is_shown_as_it_came() -> None:
    assert words.person("unknown:moster") == "unknown:moster"
    assert words.source("NAVET") == "NAVET"


def test_a_person_is_named_once() -> None:
    assert words.with_person("Lön", "co_applicant") == "Lön, medsökande"
    assert words.with_person("Lön, medsökande", "co_applicant") == "Lön, medsökande"
    assert words.with_person("Medsökandes lön", "applicant") == "Medsökandes lön, sökande"


def test_a_blank_of_unknown_size_is_not_written_as_a_sum() -> None:
    assert words.open_size(Blank(reason="r", text="t", low="0.00", high=None)) == "okänd storlek"
    assert words.open_size(Blank(reason="r", text="t", low="0.00", high="650.00")).replace("\u00a0", " ") == "0 … 650 kr"
    assert words.open_size(Blank(reason="r", text="t", low="100.00", high=None)).replace("\u00a0", " ") == "minst 100 kr"


def test_an_open_side_of_a_span_is_a_dash() -> None:
    assert words.bounds(Span(lowest=None, highest="10785.00")).replace("\u00a0", " ") == "– … 10 785"
    assert words.bounds(Span(lowest=None, highest=None)).replace("\u00a0", " ") == "– … –"
