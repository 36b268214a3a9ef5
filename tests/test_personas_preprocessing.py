"""Preparing recorded dialogues: what is joined, parted and dropped, on the corpora themselves."""

from collections import Counter
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attunement.agents.prompting import as_chat, flatten
from attunement.core.errors import ConfigError
from attunement.core.records import Utterance
from attunement.core.strategies import Strategy
from attunement.personas.preprocessing import (
    BLANK,
    PREPROCESSING,
    Preprocessing,
    is_greeting,
    merge_turns,
    prepare,
    reply_places,
)
from attunement.personas.recorded import Recording, read_recordings

S = Strategy


@pytest.fixture(scope="module")
def esconv(shared_data: Path) -> list[Recording]:
    return list(read_recordings(shared_data / "esconv" / "ESConv.json"))


@pytest.fixture(scope="module")
def failed(shared_data: Path) -> list[Recording]:
    return list(read_recordings(shared_data / "esconv" / "FailedESConv.json"))


def utterance(speaker: str, text: str, strategy: Strategy | None = None) -> Utterance:
    return Utterance.model_validate({"speaker": speaker, "text": text, "strategy": strategy})


def test_merging_joins_runs_and_drops_blanks() -> None:
    turns = merge_turns(
        [
            utterance("seeker", "Hello"),
            utterance("seeker", "I am tired."),
            utterance("supporter", "Why?", S.QUESTION),
            utterance("seeker", " "),
            utterance("supporter", "It happens.", S.AFFIRMATION),
        ]
    )
    assert turns == (
        utterance("seeker", "Hello I am tired."),
        utterance("supporter", "Why? It happens.", S.QUESTION),
    )


@given(
    st.lists(st.tuples(st.sampled_from(["seeker", "supporter"]), st.sampled_from(["a", "", "b c"])))
)
def test_merged_turns_alternate_and_keep_every_word(spoken: list[tuple[str, str]]) -> None:
    turns = merge_turns([utterance(speaker, text) for speaker, text in spoken])
    assert all(a.speaker != b.speaker for a, b in pairwise(turns))
    words = [word for _, text in spoken for word in text.split()]
    assert [word for turn in turns for word in turn.text.split()] == words


def test_without_a_name_turns_are_merged() -> None:
    said = [utterance("seeker", "Hello"), utterance("seeker", "I am tired.")]
    assert prepare(said) == prepare(said, "merged") == merge_turns(said)


def test_an_unknown_preprocessing_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="unknown preprocessing 'x'; known: merged, self_evol"):
        prepare([], "x")  # type: ignore[arg-type]


@pytest.mark.parametrize("how", PREPROCESSING)
def test_nothing_said_gives_no_turns(how: Preprocessing) -> None:
    assert prepare([], how) == prepare([utterance("seeker", " ")], how) == ()


# ---- greetings ----------------------------------------------------------------------------------

GREETINGS = [
    "Hello", "hi :)", "Hey there!", "Hello. How are you doing today?", "Hi, how’s it going?",
    "Good morning, how are you?", "Hi, hi", "how are you feeling tonight??", "Is anyone there?",
    "Merry Christmas", "hi how r u", "Hope you are doing well!",
]  # fmt: skip
MORE = [
    "Hello, how can I help you today?", "I am fine, and you?", "Hi, I lost my job", "Good",
    "How are you coping with it?", "hide", "Hellothere", "", "?!", "How was your exam?", "Thanks",
]  # fmt: skip


@pytest.mark.parametrize("text", GREETINGS)
def test_a_greeting_is_nothing_but_its_phrases(text: str) -> None:
    assert is_greeting(utterance("seeker", text))
    assert is_greeting(utterance("supporter", text, S.OTHERS))


@pytest.mark.parametrize("text", MORE)
def test_an_offer_an_answer_or_anything_more_is_no_greeting(text: str) -> None:
    assert not is_greeting(utterance("seeker", text))


def test_a_long_run_of_greetings_is_read_in_linear_time() -> None:
    assert is_greeting(utterance("seeker", "hello " * 30_000))
    assert not is_greeting(utterance("seeker", "how are you " * 30_000 + "coping"))


def test_self_evolution_drops_greetings_at_the_beginning_only() -> None:
    said = [
        utterance("supporter", "Hello", S.OTHERS),
        utterance("supporter", "How are you?", S.QUESTION),
        utterance("seeker", "Hi"),
        utterance("supporter", "Hi! What brings you here?", S.QUESTION),
        utterance("seeker", "Hello"),
        utterance("seeker", "I lost my job."),
    ]
    assert prepare(said, "self_evolution") == (
        utterance("supporter", "Hi! What brings you here?", S.QUESTION),
        utterance("seeker", "Hello I lost my job."),
    )
    assert prepare(said[:3], "self_evolution") == ()


def test_greetings_that_go_of_both_corpora(
    esconv: list[Recording], failed: list[Recording]
) -> None:
    def dropped(recordings: list[Recording]) -> tuple[Counter[str], int]:
        gone = [
            (merged := prepare(r.utterances))[: len(merged) - len(kept)]
            for r in recordings
            for kept in [prepare(r.utterances, "self_evolution")]
        ]
        return Counter(turn.speaker for turns in gone for turn in turns), sum(map(bool, gone))

    assert dropped(esconv) == ({"supporter": 710, "seeker": 458}, 827)
    assert dropped(failed) == ({"supporter": 108, "seeker": 106}, 128)


# ---- decoupled ----------------------------------------------------------------------------------


def test_decoupled_parts_a_supporters_run_and_joins_a_seekers() -> None:
    said = [
        utterance("supporter", "Hello", S.OTHERS),
        utterance("supporter", "How are you?", S.QUESTION),
        utterance("seeker", "Not well."),
        utterance("seeker", " "),
        utterance("seeker", "I lost my job."),
        utterance("supporter", "That is hard.", S.REFLECTION),
        utterance("supporter", " "),
        utterance("supporter", "Since when?", S.QUESTION),
    ]
    turns = prepare(said, "decoupled")
    assert turns == (
        said[0], BLANK, said[1], utterance("seeker", "Not well. I lost my job."), said[5], BLANK,
        said[7],
    )  # fmt: skip
    assert reply_places(turns) == [4, 6]
    assert flatten(turns).splitlines()[2] == "seeker:  "
    chat = [{"role": "user", "content": " "}, *as_chat(turns)[1:]]
    assert as_chat(turns) == chat
    assert [message["content"] for message in chat if message["role"] == "user"] == [
        " ", " ", "Not well. I lost my job.", " ",
    ]  # fmt: skip


def test_decoupled_keeps_every_supporter_utterance_of_esconv(esconv: list[Recording]) -> None:
    turns = [prepare(r.utterances, "decoupled") for r in esconv]
    spoken = Counter(u.speaker for t in turns for u in t if u != BLANK)
    assert spoken == {"supporter": 18_376, "seeker": 15_067}
    assert sum(u == BLANK for t in turns for u in t) == 18_376 - 15_325
    assert all(a.speaker != b.speaker for t in turns for a, b in pairwise(t))
    assert sum(len(reply_places(t)) for t in turns) == 18_376 - 731
    openers = sum(_opening(r) for r in esconv)
    assert openers == 731


def _opening(recording: Recording) -> int:
    speaker, run = next(groupby(recording.utterances, key=lambda u: u.speaker))
    return len(list(run)) if speaker == "supporter" else 0


def test_reply_places_of_merged_esconv(esconv: list[Recording]) -> None:
    assert sum(len(reply_places(prepare(r.utterances))) for r in esconv) == 14_642


LINES = st.lists(
    st.tuples(st.sampled_from(["seeker", "supporter"]), st.sampled_from(["a", "", "hi", "b c"]))
)


@given(spoken=LINES, how=st.sampled_from(PREPROCESSING))
def test_prepared_turns_alternate_whatever_was_said(
    spoken: list[tuple[str, str]], how: Preprocessing
) -> None:
    turns = prepare([utterance(speaker, text) for speaker, text in spoken], how)
    assert all(a.speaker != b.speaker for a, b in pairwise(turns))
    assert all(turns[i].speaker == "supporter" for i in reply_places(turns))
    assert [m["content"] for m in as_chat(turns)][-len(turns) :] == [u.text for u in turns]
