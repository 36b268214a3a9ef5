"""Recorded dialogues: the numbers that the corpora themselves have."""

import hashlib
import json
import random
from collections import Counter
from itertools import groupby, pairwise
from pathlib import Path
from statistics import mean, median

import pytest

from attunement.core.strategies import Strategy
from attunement.personas.preprocessing import merge_turns
from attunement.personas.recorded import Recording, read_recordings
from attunement.personas.shapes import named_strategy

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


def runs(recording: Recording) -> list[tuple[int, str]]:
    grouped = groupby(recording.utterances, key=lambda u: u.speaker)
    return [(len(list(run)), speaker) for speaker, run in grouped]


def longest_run(recordings: list[Recording]) -> dict[str, int]:
    found = [run for recording in recordings for run in runs(recording)]
    return {
        who: max(n for n, speaker in found if speaker == who) for who in ("seeker", "supporter")
    }


def labels(recording: Recording) -> list[list[Strategy | None]]:
    grouped = groupby(recording.utterances, key=lambda u: u.speaker)
    return [[u.strategy for u in run] for speaker, run in grouped if speaker == "supporter"]


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


def test_every_supporter_utterance_has_a_strategy_and_no_seekers(esconv: list[Recording]) -> None:
    spoken = [u for r in esconv for u in r.utterances]
    assert not [u for u in spoken if (u.speaker == "supporter") != (u.strategy is not None)]


def test_esconv_runs_of_one_speaker(esconv: list[Recording]) -> None:
    assert longest_run(esconv) == {"seeker": 14, "supporter": 7}
    assert max(runs(esconv[1026]))[0] == 14
    counts = Counter(speaker for r in esconv for length, speaker in runs(r) if length > 1)
    assert counts == {"seeker": 3747, "supporter": 2717}
    having = [{speaker for length, speaker in runs(r) if length > 1} for r in esconv]
    assert sum(map(bool, having)) == 1178
    assert sum("seeker" in found for found in having) == 1028
    assert sum("supporter" in found for found in having) == 996


def test_esconv_has_no_dialogue_twice_and_99_repeated_lines(esconv: list[Recording]) -> None:
    assert len({lines(recording) for recording in esconv}) == 1300
    pairs = [pair for r in esconv for pair in pairwise(r.utterances)]
    assert sum((a.speaker, a.text) == (b.speaker, b.text) for a, b in pairs) == 99


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
    assert sum(map(len, merged)) == 30_392
    assert max(map(len, merged)) == 87
    both = zip(merged, esconv, strict=True)
    alternating = sum(len(turns) == len(r.utterances) for turns, r in both)
    assert alternating == 122


def test_a_merged_esconv_turn_takes_the_first_label(esconv: list[Recording]) -> None:
    merged = (u for r in esconv for u in merge_turns(r.utterances))
    assert Counter(u.strategy for u in merged if u.speaker == "supporter") == {
        S.QUESTION: 3042, S.OTHERS: 2796, S.SUGGESTIONS: 2376, S.AFFIRMATION: 2457,
        S.SELF_DISCLOSURE: 1412, S.REFLECTION: 1259, S.INFORMATION: 997, S.RESTATEMENT: 986,
    }  # fmt: skip


def test_the_labels_that_merging_an_esconv_turn_leaves_behind(esconv: list[Recording]) -> None:
    merged = [run for r in esconv for run in labels(r)]
    assert len(merged) == 15_325
    assert Counter(run[-1] for run in merged) == {
        S.QUESTION: 3491, S.OTHERS: 2828, S.SUGGESTIONS: 2467, S.AFFIRMATION: 2244,
        S.SELF_DISCLOSURE: 1285, S.REFLECTION: 1101, S.INFORMATION: 992, S.RESTATEMENT: 917,
    }  # fmt: skip
    assert sum(len(set(run)) > 1 for run in merged) == 2199


def test_esconv_emotion_problem_and_experience_types(esconv: list[Recording]) -> None:
    assert Counter(str(r.emotion) for r in esconv) == {
        "anxiety": 354, "depression": 334, "sadness": 308, "anger": 111, "fear": 95, "shame": 42,
        "disgust": 40, "nervousness": 13, "guilt": 1, "jealousy": 1, "pain": 1,
    }  # fmt: skip
    rare = {str(esconv[place].emotion) for place in (851, 899, 935)}
    assert rare == {"guilt", "jealousy", "pain"}
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
    zeros = [i for i, r in enumerate(esconv) if r.survey["supporter"].get("relevance") == "0"]
    assert zeros == [855, 903, 915, 949]


def test_where_the_esconv_survey_is_missing(esconv: list[Recording]) -> None:
    unasked = [r.survey["seeker"] for r in esconv if r.final_intensity is None]
    assert [set(asked) for asked in unasked] == [{"initial_emotion_intensity"}] * 150
    assert sum(r.survey["supporter"] == {} for r in esconv) == 185


def test_esconv_change_of_intensity(esconv: list[Recording]) -> None:
    changes = [r.final_intensity - r.intensity for r in esconv if r.final_intensity and r.intensity]
    assert Counter(changes) == {-1: 417, -2: 433, -3: 193, -4: 107}
    assert mean(changes) == pytest.approx(-1.991304, abs=1e-6)
    assert mean(r.intensity for r in esconv if r.intensity) == pytest.approx(4.061538, abs=1e-6)
    both = [(r.intensity, r.final_intensity) for r in esconv if r.intensity and r.final_intensity]
    assert len(both) == 1150
    assert mean(first for first, _ in both) == pytest.approx(4.065217, abs=1e-6)
    assert mean(last for _, last in both) == pytest.approx(2.073913, abs=1e-6)


def test_esconv_free_text_answers(esconv: list[Recording]) -> None:
    assert Counter(name for r in esconv for name in r.answers) == {
        "seeker_question1": 1017, "seeker_question2": 938,
        "supporter_question1": 869, "supporter_question2": 750,
    }  # fmt: skip


LENGTHS = {
    "utterances a dialogue": (1300, 16, 27, 29.5115, 120),
    "merged turns a dialogue": (1300, 8, 22, 23.3785, 87),
    "words an utterance": (38_365, 1, 13, 16.3967, 166),
    "words of a seeker": (19_989, 1, 12, 14.8180, 158),
    "words of a supporter": (18_376, 1, 15, 18.1140, 166),
    "characters an utterance": (38_365, 1, 66, 83.1096, 912),
    "words a situation": (1300, 1, 17, 22.7062, 196),
}
"""n, min, median, mean, max."""


@pytest.mark.parametrize("name", LENGTHS)
def test_esconv_lengths(esconv: list[Recording], name: str) -> None:
    spoken = [u for r in esconv for u in r.utterances]
    found = {
        "utterances a dialogue": [len(r.utterances) for r in esconv],
        "merged turns a dialogue": [len(merge_turns(r.utterances)) for r in esconv],
        "words an utterance": [len(u.text.split()) for u in spoken],
        "words of a seeker": [len(u.text.split()) for u in spoken if u.speaker == "seeker"],
        "words of a supporter": [len(u.text.split()) for u in spoken if u.speaker == "supporter"],
        "characters an utterance": [len(u.text) for u in spoken],
        "words a situation": [len(r.situation.split()) for r in esconv],
    }[name]
    n, least, middle, average, most = LENGTHS[name]
    assert (len(found), min(found), median(found), max(found)) == (n, least, middle, most)
    assert mean(found) == pytest.approx(average, abs=5e-5)


def test_esconv_oddities(esconv: list[Recording], shared_data: Path) -> None:
    raw = (shared_data / "esconv" / "ESConv.json").read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    spoken = [u for r in esconv for u in r.utterances]
    assert sum(not u.text.isascii() for u in spoken) == 221
    assert Counter(u.speaker for u in spoken if len(u.text) == 1) == {"seeker": 7, "supporter": 1}
    bracketed = [
        (i, k) for i, r in enumerate(esconv) for k, u in enumerate(r.utterances) if "[" in u.text
    ]
    assert bracketed == [(22, 15), (504, 14)]
    assert not [u for u in spoken if u.text.startswith("[")]
    situations = Counter(r.situation.lower() for r in esconv)
    assert sum(n for n in situations.values() if n > 1) == 10
    assert json.loads(raw)[442]["situation"].endswith("\u00a0")


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
    assert sum(lengths) == 5230
    assert max(longest_run(failed).values()) == 50
    assert sum(any(length > 1 for length, _ in runs(r)) for r in failed) == 174


def test_failed_esconv_as_its_file_has_it_and_as_it_is_read(
    failed: list[Recording], shared_data: Path
) -> None:
    raw = json.loads((shared_data / "esconv" / "FailedESConv.json").read_bytes())
    spoken = [line for dialogue in raw for line in dialogue["dialog"]]
    assert Counter(line["speaker"] for line in spoken) == {"speaker": 2853, "listener": 2377}
    contents = [line["content"] for line in spoken]
    assert sum(text != text.strip() for text in contents) == 2639
    assert sum("\n" in text.strip() for text in contents) == 73
    read = [u.text for r in failed for u in r.utterances]
    assert read == [" ".join(text.split()) for text in contents]


def test_failed_esconv_spellings_become_the_eight_strategies(failed: list[Recording]) -> None:
    labels = Counter(u.strategy for r in failed for u in r.utterances if u.speaker == "supporter")
    assert labels == {
        S.QUESTION: 528, S.OTHERS: 400, S.SUGGESTIONS: 403, S.AFFIRMATION: 341,
        S.REFLECTION: 200, S.SELF_DISCLOSURE: 195, S.RESTATEMENT: 179, S.INFORMATION: 131,
    }  # fmt: skip


SPELLINGS = {
    "Questions": (520, S.QUESTION), "Other": (400, S.OTHERS),
    "Providing Suggestions": (392, S.SUGGESTIONS),
    "Affirmation and Reassurance": (334, S.AFFIRMATION),
    "Reflection of feelings": (200, S.REFLECTION), "Self-disclosure": (195, S.SELF_DISCLOSURE),
    "Restatement or Paraphrasing": (176, S.RESTATEMENT), "Information": (131, S.INFORMATION),
    "Direct Guidance": (11, S.SUGGESTIONS), "Question": (8, S.QUESTION),
    "Approval and Reassurance": (7, S.AFFIRMATION), "Restatement": (3, S.RESTATEMENT),
}  # fmt: skip


def test_the_twelve_spellings_of_failed_esconv(shared_data: Path) -> None:
    names: Counter[str] = Counter()

    def read(name: str) -> Strategy:
        names[name] += 1
        return named_strategy(name)

    list(read_recordings(shared_data / "esconv" / "FailedESConv.json", strategy=read))
    assert {name: (n, named_strategy(name)) for name, n in names.items()} == SPELLINGS


def test_failed_esconv_feedback_and_change(failed: list[Recording]) -> None:
    stars = Counter(f for r in failed for f in r.feedback if f is not None)
    assert stars == {1: 172, 2: 174, 3: 264, 4: 209, 5: 168}
    assert all(len(r.feedback) == len(r.utterances) for r in failed)
    changes = Counter(
        r.final_intensity - r.intensity for r in failed if r.final_intensity and r.intensity
    )
    assert changes == {-4: 4, -3: 5, -2: 7, -1: 15, 0: 85, 1: 21, 2: 5}
    assert mean(changes.elements()) == pytest.approx(-0.204225, abs=1e-6)
    assert changes.total() == 142
    assert sum(r.final_intensity is None for r in failed) == 54
    assert mean(stars.elements()) == pytest.approx(3.0274, abs=5e-5)
    said = [pair for r in failed for pair in zip(r.utterances, r.feedback, strict=True)]
    assert sum(u.speaker == "seeker" and stars is None for u, stars in said) == 1866
    assert not any(r.answers for r in failed)


def test_a_leading_strategy_tag_is_no_part_of_what_was_said(tmp_path):
    lines = [
        {"role": "user", "content": "[Question] is what they call it."},
        {"role": "assistant", "content": "[Question] What do you mean?"},
        {"role": "user", "content": "This."},
        {"role": "assistant", "content": "[sighs] I see.", "strategy": "Others"},
    ]
    path = tmp_path / "talk.json"
    path.write_text(json.dumps({"messages": lines}))
    (recording,) = read_recordings(path)
    assert [(u.text, u.strategy) for u in recording.utterances] == [
        ("[Question] is what they call it.", None),
        ("What do you mean?", Strategy.QUESTION),
        ("This.", None),
        ("[sighs] I see.", Strategy.OTHERS),
    ]
