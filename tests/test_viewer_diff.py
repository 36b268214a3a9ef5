"""The word diff: it gives back both texts to the letter, and reads like a change of words."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attunement.viewer.diff import word_diff

LETTERS = st.text(alphabet="ab .\n'-é我你ก็ह्\u200d\u3000!?", max_size=60)


def pieces(a: str, b: str) -> list[tuple[str, str]]:
    return [(word.kind, word.text) for word in word_diff(a, b)]


def check(a: str, b: str) -> None:
    found = pieces(a, b)
    assert "".join(text for kind, text in found if kind != "added") == a
    assert "".join(text for kind, text in found if kind != "removed") == b
    assert all(text for _, text in found)
    kinds = [kind for kind, _ in found]
    assert all(x != y for x, y in pairwise(kinds))
    assert "added removed" not in " ".join(kinds)


@given(LETTERS, LETTERS)
def test_both_texts_can_be_read_off_it(a, b):
    check(a, b)


@given(st.text(max_size=80), st.text(max_size=80))
def test_both_texts_can_be_read_off_it_whatever_they_hold(a, b):
    check(a, b)


@given(LETTERS)
def test_a_text_does_not_differ_from_itself(text):
    assert pieces(text, text) == ([("same", text)] if text else [])


@given(LETTERS, LETTERS, LETTERS)
def test_what_both_begin_with_is_the_same(start, a, b):
    common = start + " word "
    first = pieces(common + a, common + b)[0]
    assert first[0] == "same"
    assert first[1].startswith(common.rstrip())


def test_only_the_words_that_changed_are_marked():
    assert pieces("That sounds hard. What happened?", "That sounds really hard. Who said it?") == [
        ("same", "That sounds "), ("added", "really "), ("same", "hard. "),
        ("removed", "What happened"), ("added", "Who said it"), ("same", "?"),
    ]  # fmt: skip


def test_a_rewritten_phrase_is_one_change_and_not_one_a_word():
    assert pieces("You could try to rest.", "You might want sleep.") == [
        ("same", "You "), ("removed", "could try to rest"), ("added", "might want sleep"),
        ("same", "."),
    ]  # fmt: skip


def test_spaces_and_line_ends_are_kept_where_they_differ():
    assert pieces("a\n\nb  c", "a b  c") == [
        ("same", "a"), ("removed", "\n\n"), ("added", " "), ("same", "b  c"),
    ]  # fmt: skip


def test_apostrophes_and_hyphens_belong_to_their_word():
    assert pieces("I don't know", "I can't know") == [
        ("same", "I "), ("removed", "don't"), ("added", "can't"), ("same", " know"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [("你今天感觉怎么样?", "你现在感觉如何?", "你感觉?"),
     ("今日はつらい", "昨日もつらい", "日つらい"), ("ก็ดีนะ", "ก็ไม่ดีนะ", "ก็ดีนะ")],
)  # fmt: skip
def test_scripts_without_spaces_are_compared_by_letter(a, b, same):
    assert "".join(text for kind, text in pieces(a, b) if kind == "same") == same


def test_a_vowel_sign_is_never_torn_from_its_letter():
    assert pieces("हिन्दी में", "हिन्दी का") == [
        ("same", "हिन्दी "), ("removed", "में"), ("added", "का"),
    ]  # fmt: skip
    assert ("removed", "กิ") in pieces("กิน", "กาน")


def test_one_side_may_be_empty():
    assert pieces("", "new") == [("added", "new")]
    assert pieces("old", "") == [("removed", "old")]
    assert pieces("", "") == []


def long_texts() -> list[tuple[str, str]]:
    draw = random.Random(0)
    weights = [1 / (rank + 1) for rank in range(3000)]

    def prose() -> str:
        words = draw.choices(range(3000), weights, k=40_000)
        return " ".join(f"w{word}" + "." * (draw.random() < 0.08) for word in words)

    one, edited = prose(), prose().split(" ")
    before = " ".join(edited)
    for _ in range(500):
        edited[draw.randrange(40_000)] = "changed"
    two = [" ".join(draw.choices("ab", k=300)) for _ in range(2)]
    return [
        (one, prose()), (before, " ".join(edited)), ("a " * 100_000, "a " * 99_000 + "b"),
        ("a. " * 60_000, "a. " * 59_000 + "c"), ("我" * 200_000, "你" + "我" * 199_999),
        ("".join(draw.choices("我你他", k=200_000)), "".join(draw.choices("我你他", k=200_000))),
        (two[0], two[1]), ("x" * 200_000, "y" * 200_000), ("a\n" * 100_000, "\n" * 100_000),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(9))
def test_texts_of_200_000_letters_can_be_compared(number):
    """Without a bound some of these take hours."""
    check(*long_texts()[number])


def test_long_texts_are_still_compared_by_words():
    before, after = long_texts()[1]
    removed = [text for kind, text in pieces(before, after) if kind == "removed"]
    assert len(removed) > 400
    assert sum(map(len, removed)) < 0.05 * len(before)
