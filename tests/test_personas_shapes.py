"""Every shape in which recorded dialogues are read, and every strategy's name."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attunement.core.errors import RecordingError, UserError
from attunement.core.strategies import Strategy
from attunement.personas.recorded import read_recordings, recording_ids
from attunement.personas.shapes import EXTES_STRATEGIES, named_strategy

S = Strategy


def write(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


TALK = [("seeker", "I lost my job."), ("supporter", "Since when?")]
CHAT = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": " I lost\n my job. "},
    {"role": "assistant", "content": "Since when?"},
]


@pytest.mark.parametrize(
    "value",
    [
        {"messages": CHAT},
        {"conversation": CHAT},
        {"dialog": CHAT},
        {"dialogue": CHAT},
        {"content": CHAT},
        {"conversations": CHAT},
        {
            "conversations": [
                {"from": "human", "value": "I lost my job."},
                {"from": "gpt", "value": "Since when?"},
            ]
        },
        {
            "content": [
                {"User": "I lost my job."},
                {"AI Strategy": "Clarification", "AI": "Since when?"},
            ]
        },
        {"dialog": [{"Seeker": "I lost my job."}, {"Supporter": "Since when?"}]},
        {"conversation": [{"user": "I lost my job."}, {"assistant": "Since when?"}]},
        {"dialogue": [{"user": "I lost my job.", "ai": "Since when?", "ai_strategy": ""}]},
        {"messages": [{"role": "User", "text": TALK[0][1]}, {"role": "AI", "text": TALK[1][1]}]},
        {"instruction": "I lost my job.", "output": "Since when?", "history": []},
    ],
    ids=[
        "messages", "conversation", "dialog", "dialogue", "content", "conversations", "sharegpt",
        "extes", "names as keys", "roles as keys", "both in one line", "capitals", "rows",
    ],
)  # fmt: skip
@pytest.mark.parametrize("extension", ["json", "jsonl"])
def test_every_shape_gives_the_same_dialogue(tmp_path: Path, value: object, extension: str) -> None:
    file = write(tmp_path / f"talk.{extension}", [value] if extension == "json" else value)
    (recording,) = read_recordings(file)
    assert [(u.speaker, u.text) for u in recording.utterances] == TALK
    assert recording.problem is recording.emotion is recording.intensity is None


def test_the_published_extes_files_are_read(shared_data: Path) -> None:
    (one,) = read_recordings(shared_data / "extes" / "one_dialogue.json")
    assert one.situation.startswith("After a long day at work")
    assert all(u.text for u in one.utterances)
    assert [u.strategy for u in one.utterances if u.speaker == "supporter"] == [
        None, S.RESTATEMENT, S.REFLECTION, S.SUGGESTIONS, S.REFLECTION, S.AFFIRMATION, None, None,
    ]  # fmt: skip
    assert len(list(read_recordings(shared_data / "extes" / "converted_sample.json"))) == 10


def test_lines_are_streamed_so_that_a_limit_never_reaches_a_broken_one(tmp_path: Path) -> None:
    file = tmp_path / "talk.jsonl"
    file.write_text(json.dumps({"messages": CHAT}) + '\n\n{"broken":\n', encoding="utf-8")
    assert len(list(read_recordings(file, limit=1))) == 1
    with pytest.raises(RecordingError, match=r"`talk\.jsonl`, line 3, column \d+: not JSON"):
        list(read_recordings(file))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"dialog": [{"speaker": "narrator", "content": "x"}]},
            r"dialogue 2: utterance 1: unknown speaker 'narrator'; known: seeker, user",
        ),
        (
            {"dialog": [{"speaker": "sys", "text": "x", "strategy": "Hugging"}]},
            r"dialogue 2: utterance 1: unknown strategy 'Hugging'; known: Question, Restatement",
        ),
        ({"messages": CHAT, "emotion_type": "joy"}, r"dialogue 2: unknown emotion 'joy'; known:"),
        ({"messages": CHAT, "problem_type": "rain"}, r"dialogue 2: unknown problem 'rain'; known:"),
        ({"text": "hello"}, r"dialogue 2: must be an object with a list under `dialog`"),
        (
            {"dialog": [{"speaker": "seeker", "content": ["x"]}]},
            r"dialogue 2: utterance 1: `content` must be text, got a list",
        ),
        (
            {"dialog": [{"User": "x"}, {"AI": 3}]},
            r"dialogue 2: utterance 2: `AI` must be text, got 3",
        ),
        (
            {"dialog": [{"User": "x"}, {"Narrator": "x"}]},
            r"dialogue 2: utterance 2: unknown speaker 'None'; known: seeker, user",
        ),
        (
            {"dialog": [{"User": "x"}, "x"]},
            r"dialogue 2: utterance 2: must be an object with a speaker and a text, got 'x'",
        ),
        (
            {"content": [{"User": "x"}, {"AI": "x", "AI Strategy": "Hugging"}]},
            r"dialogue 2: utterance 2: unknown strategy 'Hugging'; known: Question, Restatement",
        ),
        (
            {"dialog": [{"speaker": "seeker", "content": "x", "annotation": {"feedback": "9"}}]},
            r"dialogue 2: utterance 1: `feedback` must be 1 to 5, got '9'",
        ),
    ],
)  # fmt: skip
def test_an_error_names_file_dialogue_and_what_is_known(
    tmp_path: Path, value: object, message: str
) -> None:
    file = write(tmp_path / "talk.json", [{"messages": CHAT}, value])
    with pytest.raises(RecordingError, match="`talk.json`, " + message):
        list(read_recordings(file))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"[]", "holds no dialogues"),
        (b'[{"messages": [{"role": "user", "content": "\xff"}]}]', "line 1: not UTF-8"),
        (b'[{"messages": [{"role": "user", "content": "\\ud800"}]}]', "lone surrogate"),
        (b'[{"messages": [{"role": "us', "line 1, column .*: not JSON"),
    ],
)
@pytest.mark.parametrize("read", [read_recordings, recording_ids])
def test_a_file_that_holds_nothing_to_replay_says_why(
    tmp_path: Path, content: bytes, message: str, read: Callable[[Path], Iterator[object]]
) -> None:
    file = tmp_path / "talk.json"
    file.write_bytes(content)
    with pytest.raises(RecordingError, match=f"`talk.json`.*{message}"):
        list(read(file))


def test_ids_are_those_of_the_recordings(tmp_path: Path) -> None:
    file = write(tmp_path / "Two talks.json", [{"messages": CHAT}] * 2)
    assert list(recording_ids(file)) == ["two-talks-0001", "two-talks-0002"]
    assert list(recording_ids(file)) == [recording.id for recording in read_recordings(file)]
    assert list(recording_ids(file, limit=1)) == ["two-talks-0001"]


def test_blank_and_missing_texts_are_kept_as_blank_utterances(tmp_path: Path) -> None:
    spoken = [
        {"role": "user", "content": None}, {"role": "assistant"}, {"role": "user", "content": "\0"},
        {"role": "assistant", "content": " a\x00b\x1b "},
    ]  # fmt: skip
    (recording,) = read_recordings(write(tmp_path / "talk.json", {"messages": spoken}))
    assert [u.text for u in recording.utterances] == ["", "", "", "ab"]


def test_a_table_with_a_list_of_contents_is_no_dialogue(tmp_path: Path) -> None:
    file = write(tmp_path / "cards.json", [{"content": ["a", "b"], "emotion": "fear"}])
    with pytest.raises(RecordingError, match="dialogue 1: must be an object with a list under"):
        list(read_recordings(file))


# ---- names of strategies ------------------------------------------------------------------------


def test_the_sixteen_strategies_of_extes_become_esconvs() -> None:
    assert len(EXTES_STRATEGIES) == 16
    assert set(EXTES_STRATEGIES.values()) == set(S) - {S.SELF_DISCLOSURE}


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("Promote Self-Care Practices", S.SUGGESTIONS),
        ("promote self care practices", S.SUGGESTIONS),
        ("Emotional Validation (EV)", S.REFLECTION),
        (" reflective  statements ", S.RESTATEMENT),
        ("Questions", S.QUESTION),
        ("Approval and Reassurance", S.AFFIRMATION),
        ("reflection of feelings", S.REFLECTION),
    ],
)
def test_a_strategys_name_is_read_in_any_spelling_of_the_corpora(
    name: str, strategy: Strategy
) -> None:
    assert named_strategy(name) is strategy


@pytest.mark.parametrize("name", ["Hugging", "", "(EV)", "Question?"])
def test_an_unknown_strategy_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(UserError, match=r"unknown strategy .*known: Question, Restatement"):
        named_strategy(name)


def test_a_reader_of_names_replaces_the_own_one(tmp_path: Path) -> None:
    spoken = [{"User": "x"}, {"AI": "y", "AI Strategy": "Hugging"}]
    file = write(tmp_path / "talk.json", [{"content": spoken}])
    (recording,) = read_recordings(file, strategy=lambda name: S.OTHERS if name else None)
    assert recording.utterances[1].strategy is S.OTHERS


def test_a_missing_file_is_refused_before_the_first_dialogue(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="does not exist"):
        read_recordings(tmp_path / "none.json")


KEYS = (
    "dialog", "messages", "speaker", "role", "content", "annotation", "history", "output",
    "survey_score", "seeker", "situation", "User", "strategy", "experience_type",
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["seeker", "sys", "", "é"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=12,
)


@given(value=JSON)
def test_any_json_is_read_or_refused_in_one_sentence(
    value: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = write(tmp_path_factory.getbasetemp() / "any.json", [value])
    try:
        (recording,) = read_recordings(file)
    except RecordingError as error:
        message = str(error)
    else:
        message = recording.id
    assert message.startswith(("`any.json`, dialogue 1: ", "any-0001"))
