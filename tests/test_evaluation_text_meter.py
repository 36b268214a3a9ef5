"""The text meter: live and replayed dialogues, drafts, missing packages, encoders."""

import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from attunement.core.records import Dialogue, Reply, SeekerTurn, Turn, Utterance
from attunement.evaluation.figures import Figure
from attunement.evaluation.text import ReplyPair, score_replies
from attunement.evaluation.text_meter import LIVE, NO_ENCODER, NO_TOKENS, NOBODY, PEOPLE, TextMeter
from tests.helpers import PERSONA, journal_of, small_run

pytest.importorskip("nltk")
pytest.importorskip("sacrebleu")
pytest.importorskip("rouge_score")

PAIRS = {
    "a": [("You feel sad. Don't you?", "You feel very sad, don't you?"), ("I hear you.", "Yes.")],
    "b": [("What happened at work today?", "What happened then?")],
    "c": [("Have you tried to rest a little, and to eat?", "Try to rest and eat a little.")],
}


def turn(number: int, said: str, recorded: str | None = None, draft: str | None = None) -> Turn:
    own = {"refined": Reply(text=said), "spoken": "refined"} if draft else {"spoken": "draft"}
    return Turn(
        number=number, seeker=SeekerTurn(text="Well."), draft=Reply(text=draft or said),
        recorded=Reply(text=recorded) if recorded else None, **own,
    )  # fmt: skip


def dialogue(id: str, *turns: Turn, replayed: bool = True) -> Dialogue:
    lines = (Utterance(speaker="seeker", text="Well."),) if replayed else None
    return Dialogue(id=id, persona=PERSONA, turns=turns, recorded=lines, stop_reason="max_turns")


def replays() -> list[Dialogue]:
    return [
        dialogue(key, *(turn(i, *pair) for i, pair in enumerate(pairs, 1)))
        for key, pairs in PAIRS.items()
    ]


def figures(dialogues: Iterable[Dialogue], meter: TextMeter | None = None) -> dict[str, Figure]:
    meter = meter or TextMeter()
    for one in dialogues:
        meter.add(f"0/{one.id}", one)
    found = meter.findings().figures
    assert len({figure.measure.name for figure in found}) == len(found)
    return {figure.measure.name: figure for figure in found}


def test_figures_of_a_replay_are_those_of_score_replies():
    found = figures(replays())
    pairs = [ReplyPair(key, *pair) for key, pairs in PAIRS.items() for pair in pairs]
    score = score_replies(pairs)
    means = {"unigram F1": score.mean.f1, "ROUGE-L": score.mean.rouge_l, "words": score.words,
             "METEOR (no synonyms)": score.mean.meteor, "stock openers": score.stock}  # fmt: skip
    means |= {f"sentence BLEU-{n}": getattr(score.mean, f"bleu_{n}") for n in (1, 2, 3, 4)}
    means |= {f"Distinct-{n} in a reply": getattr(score.mean, f"distinct_{n}") for n in (1, 2, 3)}
    for name, expected in means.items():
        interval = found[name].interval()
        assert found[name].value == pytest.approx(expected.value), name
        assert (interval.low, interval.high, interval.n) == pytest.approx(
            (expected.low, expected.high, expected.n)
        )
    whole = {f"Distinct-{n}": getattr(score.corpus, f"distinct_{n}") for n in (1, 2, 3)}
    whole |= {f"corpus BLEU-{n}": getattr(score.corpus, f"bleu_{n}") for n in (1, 2, 3)}
    whole |= {"corpus BLEU-4": score.corpus.bleu, "self-BLEU": score.corpus.self_bleu}
    assert {name: found[name].value for name in whole} == pytest.approx(whole)
    assert score.corpus.bleu_signature in found["corpus BLEU-4"].measure.method
    assert found["replies compared"].value == 100


def test_corpus_bleu_has_an_interval_and_sameness_has_none():
    found = figures(replays())
    interval = found["corpus BLEU-1"].interval()
    assert interval.n == 3
    assert interval.low < interval.value < interval.high
    assert found["Distinct-1"].interval() is None


def test_people_are_the_level_of_what_needs_no_reference():
    found = figures(replays())
    recorded = [text for pairs in PAIRS.values() for _, text in pairs]
    assert found["words"].levels == {PEOPLE: np.mean([len(text.split()) for text in recorded])}
    assert found["stock openers"].levels == {PEOPLE: 0}
    assert found["stock openers"].value == 25
    assert found["Distinct-1"].levels[PEOPLE] > 0
    assert found["ROUGE-L"].levels == {}


def test_live_dialogues_have_only_what_needs_no_recorded_reply():
    live = [one.model_copy(update={"recorded": None}) for one in replays()]
    live = [
        one.model_copy(
            update={"turns": [t.model_copy(update={"recorded": None}) for t in one.turns]}
        )
        for one in live
    ]
    found = figures(live)
    known = {name for name, figure in found.items() if figure.value is not None}
    assert known == {
        "words", "stock openers", "self-BLEU", "Distinct-1", "Distinct-2", "Distinct-3",
        "Distinct-1 in a reply", "Distinct-2 in a reply", "Distinct-3 in a reply",
    }  # fmt: skip
    assert {found[name].why for name in found.keys() - known} == {LIVE}
    assert all(
        figure.levels == {} and not found[n].why for n, figure in found.items() if n in known
    )


def test_a_reply_without_a_recorded_one_is_counted_and_compared_to_nothing():
    more = dialogue("d", turn(1, "Go on, please."), turn(2, "And then?", "And then?"))
    found = figures([*replays(), more])
    assert found["replies compared"].value == pytest.approx(100 * 5 / 6)
    assert found["words"].parts["0/d"].tolist() == [5, 2]
    assert found["ROUGE-L"].parts["0/d"].tolist() == pytest.approx([100, 1])


def test_nothing_spoken_has_no_figures_but_reasons():
    found = figures([dialogue("a")])
    assert {figure.value for figure in found.values()} == {None}
    assert "" not in {figure.why for figure in found.values()}
    assert found["words"].why == found["ROUGE-L"].why == NOBODY
    assert all(figure.why for figure in figures([]).values())


def test_a_hand_off_is_no_reply():
    off = Turn(number=1, seeker=SeekerTurn(text="No."), hand_off=Reply(text="Call now, 1 2"),
               spoken="hand_off", guard={"crisis": True})  # fmt: skip
    found = figures([*replays(), dialogue("d", off)])
    assert found["words"].value == figures(replays())["words"].value


def test_drafts_stand_beside_what_was_refined():
    refined = dialogue("a", turn(1, "What happened at work?", draft="I hear you."),
                       turn(2, "And then?"), replayed=False)  # fmt: skip
    found = figures([refined])
    assert found["stock openers"].value == 0
    assert found["stock openers (draft)"].value == 50  # the second turn's draft was spoken
    assert found["words"].value == 3
    assert found["words (draft)"].value == 2.5
    assert found["ROUGE-L (draft)"].why == LIVE
    assert not [name for name in figures(replays()) if "draft" in name]


def test_a_whole_run_is_measured(tmp_path):
    small_run(tmp_path / "run", dialogues=3, max_turns=4)
    with closing(journal_of(tmp_path / "run")) as journal:
        dialogues = list(journal.dialogues())
    found = figures(dialogues)
    assert found["stock openers"].value < found["stock openers (draft)"].value
    assert found["words"].interval().n == 3


def test_a_missing_package_is_the_reason_and_the_rest_is_measured(monkeypatch):
    from attunement.evaluation.wording import wording

    wording.cache_clear()
    monkeypatch.setitem(sys.modules, "nltk.stem.porter", None)
    found = figures(replays())
    assert found["words"].value == pytest.approx(figures(replays())["words"].value)
    assert found["Distinct-2"].value is not None
    assert "pip install 'attunement[metrics]'" in found["METEOR (no synonyms)"].why
    assert "pip install 'attunement[metrics]'" in found["Distinct-2 in a reply"].why
    wording.cache_clear()


# ---- encoders -----------------------------------------------------------------------------------


class Lengths:
    """An encoder by the number of words: a text's direction."""

    name = "by length"

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.asked.append(texts)
        return np.array([(np.cos(len(t.split()) / 10), np.sin(len(t.split()) / 10)) for t in texts])


class Letters(Lengths):
    """The same, whose tokens are words by their first letter."""

    def embed_tokens(self, texts: Sequence[str]) -> list[np.ndarray]:
        return [np.eye(128)[[ord(w[0].lower()) for w in text.split()]] for text in texts]


def test_an_encoder_adds_its_figures():
    found = figures(replays(), TextMeter(Letters()))
    lengths = [(len(a.split()), len(b.split())) for pairs in PAIRS.values() for a, b in pairs]
    expected = np.mean([np.cos((a - b) / 10) for a, b in lengths])
    assert found["embedding similarity"].value == pytest.approx(100 * expected)
    assert "by length" in found["embedding similarity"].measure.method
    # First letters: yfsdy yfvsdy, ihy y, whawt wht, hyttralate ttraeal.
    precision = np.mean([5 / 5, 1 / 3, 4 / 5, 8 / 10])
    recall = np.mean([5 / 6, 1 / 1, 3 / 3, 7 / 7])
    assert found["BERTScore precision"].value == pytest.approx(100 * precision)
    assert found["BERTScore recall"].value == pytest.approx(100 * recall)
    assert found["BERTScore F1"].interval().n == 3


def test_an_encoder_that_is_not_there_or_knows_no_tokens_is_the_reason():
    without, sentences = figures(replays()), figures(replays(), TextMeter(Lengths()))
    assert without["embedding similarity"].why == without["BERTScore F1"].why == NO_ENCODER
    assert sentences["embedding similarity"].value is not None
    assert sentences["BERTScore F1"].why == NO_TOKENS


def test_a_limit_bounds_what_is_embedded():
    encoder = Lengths()
    found = figures(replays(), TextMeter(encoder, embed_limit=2))
    assert len(encoder.asked) == 2  # both sides of the first dialogue, which has two replies
    assert found["embedding similarity"].parts.keys() == {"0/a"}
    assert "2 replies" in found["embedding similarity"].measure.method


def test_a_model_in_a_folder_measures_a_replay(tmp_path):
    pytest.importorskip("transformers")
    from attunement.evaluation.encoder import load_encoder
    from tests.test_evaluation_encoder import make_bert

    same = [dialogue("a", turn(1, "what happened at work", "what happened at work"))]
    found = figures(same, TextMeter(load_encoder(make_bert(tmp_path / "bert"))))
    assert found["embedding similarity"].value == pytest.approx(100)
    assert found["BERTScore F1"].value == pytest.approx(100)


def test_a_replay_of_esconv_is_measured(shared_data: Path, tmp_path):
    path = shared_data / "esconv" / "ESConv.json"
    small_run(tmp_path / "run", replay=str(path), graph="decoupled", dialogues=4)
    with closing(journal_of(tmp_path / "run")) as journal:
        found = figures(journal.dialogues())
    assert found["replies compared"].value == 100
    for name in ("corpus BLEU-1", "sentence BLEU-1", "ROUGE-L", "unigram F1"):
        assert 2 < found[name].value < 40
    assert found["stock openers"].value > 2 * found["stock openers"].levels[PEOPLE]
    assert found["Distinct-2"].value < found["Distinct-2"].levels[PEOPLE]
