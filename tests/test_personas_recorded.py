"""Recorded dialogues: the corpora's own numbers, and every shape that is read."""

import hashlib
import json
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attunement.core.errors import RecordingError
from attunement.core.records import Utterance
from attunement.core.strategies import Strategy
from attunement.personas.recorded import Recording, merge_turns, read_recordings

S = Strategy


@pytest.fixture(scope="module")
def esconv(shared_data: Path) -> list[Recording]:
    return list(read_recordings(shared_data / "esconv" / "ESConv.json"))


@pytest.fixture(scope="module")
def failed(shared_data: Path) -> list[Recording]:
    return list(read_recordings(shared_data / "esconv" / "FailedESConv.json"))


def lines(recording: Recording) -> str:
    return "\n".join(f"{u.speaker}\t{u.strategy or ''}\t{u.text}" for u in recording.utterances)


def sha256(dialogues: list[str]) -> str:
    return hashlib.sha256("\n\n".join(dialogues).encode()).hexdigest()


def scores(recordings: list[Recording], side: str, question: str) -> Counter[str]:
    return Counter(r.survey.get(side, {}).get(question, "missing") for r in recordings)


# ---- ESConv -------------------------------------------------------------------------------------


def test_esconv_has_its_three_fingerprints(esconv: list[Recording]) -> None:
    dialogues = [lines(recording) for recording in esconv]
    shuffled = list(dialogues)
    random.Random(13).shuffle(shuffled)
    train_valid_test = shuffled[390:] + shuffled[:195] + shuffled[195:390]
    assert [sha256(d) for d in (dialogues, sorted(dialogues), train_valid_test)] == [
        "e46be66562b889426a169d0b9e9d8ef3ca8e8273d1d82cf11d1396afbdf823d0",
        "051ae3e5997318f13febf1478336a593edd64ac8911dcc1dd577b14c51e556e3",
        "5be1530b3cbdd24bda2b89e537b07f99732dc00f22065ccf6f88391c4839a401",
    ]


def test_published_lines_hold_the_same_dialogues_as_the_array(
    esconv: list[Recording], shared_data: Path
) -> None:
    shuffled = [lines(recording) for recording in esconv]
    random.Random(13).shuffle(shuffled)
    for name, expected in (("valid", shuffled[:195]), ("test", shuffled[195:390])):
        published = read_recordings(shared_data / "esconv" / f"published_{name}.jsonl")
        assert [lines(recording) for recording in published] == expected


def test_esconv_counts_of_dialogues_and_utterances(esconv: list[Recording]) -> None:
    speakers = Counter(u.speaker for r in esconv for u in r.utterances)
    assert len(esconv) == 1300
    assert speakers == {"seeker": 19_989, "supporter": 18_376}
    assert max(len(r.utterances) for r in esconv) == len(esconv[293].utterances) == 120
    assert not [u for r in esconv for u in r.utterances if not u.text]
    assert sum(len(u.text.split()) for r in esconv for u in r.utterances) == 629_060


def test_esconv_strategy_labels(esconv: list[Recording]) -> None:
    labels = Counter(u.strategy for r in esconv for u in r.utterances if u.speaker == "supporter")
    assert labels == {
        S.QUESTION: 3801, S.OTHERS: 3341, S.SUGGESTIONS: 2954, S.AFFIRMATION: 2827,
        S.SELF_DISCLOSURE: 1713, S.REFLECTION: 1436, S.INFORMATION: 1215, S.RESTATEMENT: 1089,
    }  # fmt: skip


def test_esconv_merged_turns(esconv: list[Recording]) -> None:
    merged = [merge_turns(r.utterances) for r in esconv]
    assert Counter(u.speaker for turns in merged for u in turns) == {
        "supporter": 15_325,
        "seeker": 15_067,
    }
    starts = Counter(turns[0].speaker for turns in merged)
    assert starts == {"supporter": 683, "seeker": 617}
    assert Counter(turns[-1].speaker for turns in merged) == {"supporter": 875, "seeker": 425}
    answered = sum(u.speaker == "supporter" for turns in merged for u in turns[1:])
    assert answered == 14_642
    both = zip(merged, esconv, strict=True)
    alternating = sum(len(turns) == len(r.utterances) for turns, r in both)
    assert alternating == 122


def test_a_merged_esconv_turn_takes_the_first_label(esconv: list[Recording]) -> None:
    merged = (u for r in esconv for u in merge_turns(r.utterances))
    assert Counter(u.strategy for u in merged if u.speaker == "supporter") == {
        S.QUESTION: 3042, S.OTHERS: 2796, S.SUGGESTIONS: 2376, S.AFFIRMATION: 2457,
        S.SELF_DISCLOSURE: 1412, S.REFLECTION: 1259, S.INFORMATION: 997, S.RESTATEMENT: 986,
    }  # fmt: skip


def test_esconv_emotion_problem_and_experience_types(esconv: list[Recording]) -> None:
    assert Counter(str(r.emotion) for r in esconv) == {
        "anxiety": 354, "depression": 334, "sadness": 308, "anger": 111, "fear": 95, "shame": 42,
        "disgust": 40, "nervousness": 13, "guilt": 1, "jealousy": 1, "pain": 1,
    }  # fmt: skip
    assert Counter(str(r.problem) for r in esconv) == {
        "ongoing depression": 351, "job crisis": 280, "breakup with partner": 239,
        "problems with friends": 179, "academic pressure": 156, "Sleep Problems": 28,
        "Procrastination": 13, "Alcohol Abuse": 12, "Appearance Anxiety": 12,
        "Issues with Children": 10, "conflict with parents": 10, "Issues with Parents": 8,
        "School Bullying": 2,
    }  # fmt: skip
    assert Counter(r.experience for r in esconv) == {
        "Current Experience": 991,
        "Previous Experience": 309,
    }


def test_esconv_survey(esconv: list[Recording]) -> None:
    initial = Counter(r.intensity for r in esconv)
    final = Counter(r.final_intensity for r in esconv)
    assert initial == {1: 2, 2: 37, 3: 267, 4: 567, 5: 427}
    assert final == {1: 329, 2: 469, 3: 290, 4: 62, None: 150}
    assert scores(esconv, "seeker", "empathy") == {
        "1": 4, "2": 7, "3": 114, "4": 295, "5": 730, "missing": 150,
    }  # fmt: skip
    assert scores(esconv, "seeker", "relevance") == {
        "2": 9, "3": 79, "4": 272, "5": 790, "missing": 150,
    }  # fmt: skip
    assert scores(esconv, "supporter", "relevance") == {
        "0": 4, "1": 3, "2": 12, "3": 43, "4": 152, "5": 901, "missing": 185,
    }  # fmt: skip


def test_esconv_change_of_intensity(esconv: list[Recording]) -> None:
    changes = [r.final_intensity - r.intensity for r in esconv if r.final_intensity and r.intensity]
    assert Counter(changes) == {-1: 417, -2: 433, -3: 193, -4: 107}
    assert sum(changes) / len(changes) == pytest.approx(-1.991304, abs=1e-6)


def test_esconv_free_text_answers(esconv: list[Recording]) -> None:
    assert Counter(name for r in esconv for name in r.answers) == {
        "seeker_question1": 1017, "seeker_question2": 938,
        "supporter_question1": 869, "supporter_question2": 750,
    }  # fmt: skip


def test_ids_count_from_one_under_the_stem_of_the_file(esconv: list[Recording]) -> None:
    assert esconv[0].id == "esconv-0001"
    assert esconv[-1].id == "esconv-1300"
    assert {r.licence for r in esconv} == {"CC BY-NC 4.0"}
    assert not esconv[442].situation.endswith("\u00a0")


# ---- FailedESConv -------------------------------------------------------------------------------


def test_failed_esconv_counts(failed: list[Recording]) -> None:
    assert len(failed) == 196
    assert Counter(u.speaker for r in failed for u in r.utterances) == {
        "seeker": 2853,
        "supporter": 2377,
    }
    merged = [merge_turns(r.utterances) for r in failed]
    assert sum(u.speaker == "supporter" for turns in merged for u in turns) == 1979
    assert sum(turns[0].speaker == "supporter" for turns in merged) == 71
    lengths = [len(r.utterances) for r in failed]
    assert (min(lengths), max(lengths)) == (2, 186)


def test_failed_esconv_spellings_become_the_eight_strategies(failed: list[Recording]) -> None:
    labels = Counter(u.strategy for r in failed for u in r.utterances if u.speaker == "supporter")
    assert labels == {
        S.QUESTION: 528, S.OTHERS: 400, S.SUGGESTIONS: 403, S.AFFIRMATION: 341,
        S.REFLECTION: 200, S.SELF_DISCLOSURE: 195, S.RESTATEMENT: 179, S.INFORMATION: 131,
    }  # fmt: skip


def test_failed_esconv_feedback_and_change(failed: list[Recording]) -> None:
    stars = Counter(f for r in failed for f in r.feedback if f is not None)
    assert stars == {1: 172, 2: 174, 3: 264, 4: 209, 5: 168}
    assert all(len(r.feedback) == len(r.utterances) for r in failed)
    changes = Counter(
        r.final_intensity - r.intensity for r in failed if r.final_intensity and r.intensity
    )
    assert changes == {-4: 4, -3: 5, -2: 7, -1: 15, 0: 85, 1: 21, 2: 5}
    assert not any(r.answers for r in failed)


# ---- shapes -------------------------------------------------------------------------------------


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
        {"instruction": "I lost my job.", "output": "Since when?", "history": []},
    ],
    ids=["messages", "conversation", "dialog", "conversations", "sharegpt", "extes", "rows"],
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
    ],
)
def test_a_file_that_holds_nothing_to_replay_says_why(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "talk.json"
    file.write_bytes(content)
    with pytest.raises(RecordingError, match=message):
        list(read_recordings(file))


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


# ---- merging ------------------------------------------------------------------------------------


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
