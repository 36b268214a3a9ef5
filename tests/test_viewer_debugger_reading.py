"""A dialogue as a page shows it: its card, its turns, and what was inferred beside what is true."""

import asyncio
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from attunement.core.psychology import ERRORS, PsychologicalError
from attunement.core.records import (
    Change,
    Outcome,
    Persona,
    Plan,
    Reflection,
    Reply,
    SeekerTurn,
    Turn,
    Verdict,
)
from attunement.simulator.annotating import Annotation, annotate
from attunement.simulator.casting import Cast
from attunement.simulator.forking import fork
from attunement.simulator.history import with_history
from attunement.simulator.run import open_run, run
from attunement.viewer.debugger.finding import NotFound, dialogue_at
from attunement.viewer.debugger.reading import card_of, dialogue_page, inference_of, turn_view
from attunement.viewer.debugger.records import DialogueCard, DialoguePage
from attunement.viewer.debugger.settings import settings_of
from tests.helpers import LIBRARY, PERSONA, answering, small_run, write_recorded

QUIET = [card for card in LIBRARY if card.risk == "none"]
AT_RISK = "I want to kill myself tonight."


def page(folder: Path, index: int = 0) -> DialoguePage:
    """A dialogue's page; it survives being sent."""
    config, journal = open_run(folder)
    with closing(journal):
        found = dialogue_page(journal, config, index)
    assert DialoguePage.model_validate_json(found.model_dump_json()) == found
    return found


def card(folder: Path, index: int = 0) -> DialogueCard:
    return page(folder, index).card


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Path:
    """A live run on the embedded model."""
    folder = tmp_path_factory.mktemp("reading") / "live"
    small_run(folder, cast=Cast(QUIET[:2], range(2)))
    return folder


@pytest.fixture(scope="module")
def replayed(live) -> Path:
    """The same dialogues as recordings, replayed."""
    _, journal = open_run(live)
    with closing(journal):
        write_recorded(live.parent / "recorded.jsonl", journal.dialogues())
    folder = live.parent / "replayed"
    small_run(folder, replay=str(live.parent / "recorded.jsonl"))
    return folder


# ---- a dialogue ---------------------------------------------------------------------------------


def test_a_page_holds_every_turn_with_the_diff_of_draft_and_refinement(live):
    found = page(live)
    _, journal = open_run(live)
    with closing(journal):
        dialogue = dialogue_at(journal, 0)
    assert [view.turn for view in found.turns] == [*dialogue.turns]
    assert found.persona == dialogue.persona
    assert found.recorded is found.fork is found.error is None
    refined = [view for view in found.turns if view.turn.refined]
    assert refined
    for view in refined:
        before = "".join(word.text for word in view.diff if word.kind != "added")
        after = "".join(word.text for word in view.diff if word.kind != "removed")
        assert (before, after) == (view.turn.draft.text, view.turn.refined.text)
    assert page(live, 1).card.index == 1


def test_a_turn_without_a_refinement_has_no_diff(tmp_path):
    small_run(tmp_path / "run", answering(), graph="direct", max_turns=1)
    assert [view.diff for view in page(tmp_path / "run").turns] == [(), ()]


@pytest.mark.parametrize("kind", ["live", "replayed"])
def test_heard_is_what_the_supporter_had_before_it(kind, request):
    folder = request.getfixturevalue(kind)
    _, journal = open_run(folder)
    with closing(journal):
        heard = [len(lines) for _, lines in with_history(dialogue_at(journal, 0))]
    assert [view.heard for view in page(folder).turns] == heard


def test_a_replay_shows_the_recording_that_it_answers(replayed):
    found = page(replayed)
    assert found.recorded
    assert [view.turn.recorded.text for view in found.turns] == [
        line.text for line in found.recorded if line.speaker == "supporter"
    ]


def test_the_last_words_cannot_be_forked_and_say_why(live):
    views = page(live).turns
    assert views[0].can_fork == ""
    assert "no reply" in views[-1].can_fork


def test_what_a_reply_did_is_what_the_seeker_says_next(live, replayed):
    turns = page(live).turns
    assert len(turns) > 2
    for found, after in pairwise(turns):
        then = after.turn.seeker
        assert found.effect.rating == then.rating in range(1, 6)
        assert (found.effect.before, found.effect.after) == (
            found.turn.seeker.intensity, then.intensity,
        )  # fmt: skip
    assert turns[-1].effect is None
    assert {turn.effect for turn in page(replayed).turns} == {None}


def test_a_dialogue_that_is_not_there_is_not_found(live):
    for index in (2, -1, 2**70):
        with pytest.raises(NotFound, match="this run has 0 to 1"):
            page(live, index)


def test_a_card_says_who_it_is_and_how_it_ended(live):
    found, turns = page(live), page(live).turns
    assert found.card == DialogueCard(
        index=0, id=f"000000-{QUIET[0].id}", persona_id=QUIET[0].id, name=QUIET[0].name,
        problem=QUIET[0].problem, emotion=QUIET[0].emotion, status="done",
        stop_reason=found.card.stop_reason, turns=len(turns) - 1, set_aside=0,
        outcome=found.card.outcome, flags=(),
    )  # fmt: skip
    assert found.card.outcome.first_intensity == turns[0].turn.seeker.intensity


# ---- flags --------------------------------------------------------------------------------------


def test_a_crisis_is_flagged(tmp_path):
    seeker = {"text": AT_RISK, "emotion": "fear", "intensity": 5}
    small_run(tmp_path / "run", answering(seeker=seeker))
    found = card(tmp_path / "run")
    assert (found.flags, found.stop_reason, found.turns) == (("crisis",), "crisis", 1)


def test_a_set_aside_turn_is_flagged_and_counted(tmp_path):
    small_run(tmp_path / "run", answering(reflector="no"), max_turns=2)
    found = card(tmp_path / "run")
    assert (found.flags, found.set_aside, found.status) == (("set aside",), 2, "done")


def test_a_failed_dialogue_is_flagged_with_its_error(tmp_path):
    small_run(tmp_path / "run", answering(seeker="nothing"))
    found = page(tmp_path / "run")
    assert (found.card.flags, found.card.status, found.turns) == (("failed",), "failed", ())
    assert found.card.outcome == Outcome()
    assert "SeekerTurn" in found.error


def write(folder: Path, *verdicts: Verdict, said: Annotation | None = None) -> None:
    """Keep verdicts, or what ada says, of the first turn of dialogue 0."""

    async def keep() -> None:
        _, journal = open_run(folder)
        if said:
            await annotate(journal, 0, dialogue_at(journal, 0).turns[0], said, "ada")
        else:
            await journal.write_verdicts(0, 1, verdicts, 1)
        await journal.close_writer()
        journal.close()

    asyncio.run(keep())


def test_annotations_stand_beside_what_was_judged(tmp_path):
    small_run(tmp_path / "run", answering(), max_turns=1)
    write(tmp_path / "run", said=Annotation(label="good", note="well heard"))
    assert card(tmp_path / "run").flags == ("annotated",)
    said = Annotation(errors=(PsychologicalError.TEMPLATE_RESPONSE,))
    write(tmp_path / "run", said=said)
    judged = Verdict(name=ERRORS, value=1, label="Other", about="refined", judge="m")
    write(tmp_path / "run", judged)
    found = page(tmp_path / "run")
    assert found.card.flags == ("annotated", "bad", "faulty")
    assert found.turns[0].annotations == {"ada": said}
    assert found.turns[0].judged == (judged,)
    assert found.turns[1].annotations == {}


def test_a_reply_without_an_error_is_not_faulty(tmp_path):
    small_run(tmp_path / "run", answering(), max_turns=1)
    write(tmp_path / "run", Verdict(name=ERRORS, value=0, about="refined", judge="m"))
    write(tmp_path / "run", Verdict(name="warmth", value=1, about="refined", judge="m"))
    assert card(tmp_path / "run").flags == ()


# ---- branches -----------------------------------------------------------------------------------


def test_a_branch_and_its_origin_name_each_other(tmp_path):
    chat = answering()
    small_run(tmp_path / "run", chat, max_turns=2, dialogues=2)
    change = Change(plan=Plan(strategy="Information"))
    laid = fork(tmp_path / "run", "1", 2, change, check_models=False)
    assert card(tmp_path / "run", laid.index).status == "open"
    run(tmp_path / "run", backends=[chat], only=[laid.index])
    origin, branch = page(tmp_path / "run", 1), page(tmp_path / "run", laid.index)
    assert [(b.index, b.id, b.turn, b.status) for b in origin.branches] == [
        (laid.index, laid.id, 2, "done")
    ]
    assert origin.branches[0].change == "plan Information"
    for told in origin.branches:
        own = card(tmp_path / "run", told.index)
        assert (told.outcome, told.stop_reason) == (own.outcome, own.stop_reason)
    assert branch.changed == "from turn 2 on: plan Information"
    assert (branch.card.origin, branch.card.forked_at, branch.card.flags) == (1, 2, ("branch",))
    assert branch.fork.origin == origin.card.id
    assert page(tmp_path / "run", 0).branches == ()


# ---- what was inferred --------------------------------------------------------------------------

SEEN = Reflection(
    who="A nurse.", emotion="anxiety", intensity=5, situation="Work.",
    personality={"openness": "high", "neuroticism": "medium"},
    needs=["To be asked a question"], avoid=["Silence"],
)  # fmt: skip
CARD = PERSONA.model_copy(
    update={"what_helps": (*PERSONA.what_helps, "Facts."), "what_hurts": ("Advice before.",)}
)


def test_what_was_inferred_stands_beside_what_a_live_seeker_feels():
    turn = Turn(number=1, seeker=SeekerTurn(text="x", emotion="sadness", intensity=3))
    found = inference_of(CARD, turn, SEEN)
    assert (found.emotion, found.intensity) == (False, 2)
    assert found.personality == {"openness": False, "neuroticism": True}
    assert (found.helps, found.hurts) == ((True, False), (False,))


def test_nothing_inferred_is_no_inference():
    assert inference_of(CARD, Turn(number=1, seeker=SeekerTurn(text="x")), None) is None


def recorded(*drawn: str, **card: object) -> tuple[Persona, Turn]:
    persona = CARD.model_copy(update={"drawn": drawn, **card})
    said, human = SeekerTurn(text="x"), Reply(text="y")
    return persona, Turn(number=1, seeker=said, recorded=human)


def test_a_recorded_seeker_is_measured_by_the_card_and_has_no_hidden_needs():
    found = inference_of(*recorded(), SEEN)
    assert (found.emotion, found.intensity) == (True, 1)
    assert found.personality == {"openness": False, "neuroticism": True}
    assert found.helps == found.hurts == ()


def test_what_a_card_only_had_drawn_is_not_known_of_a_recorded_seeker():
    found = inference_of(*recorded("emotion", "intensity", "openness"), SEEN)
    assert found.emotion is found.intensity is None
    assert found.personality == {"neuroticism": True}
    assert inference_of(*recorded("big_five"), SEEN).personality == {}


def test_a_live_seeker_acts_what_was_drawn():
    persona = CARD.model_copy(update={"drawn": ("emotion", "big_five", "intensity")})
    turn = Turn(number=1, seeker=SeekerTurn(text="x", emotion="anxiety", intensity=4))
    found = inference_of(persona, turn, SEEN)
    assert (found.emotion, found.intensity) == (True, 1)
    assert found.personality == {"openness": False, "neuroticism": True}


# ---- settings -----------------------------------------------------------------------------------


def test_settings_say_what_a_run_was_made_with(live, replayed):
    config, journal = open_run(live)
    with closing(journal):
        found = settings_of(journal, config)
        prompts = journal.prompts()
    roles = {"seeker", "guard", "planner", "responder", "reflector", "refiner"}
    assert {*found.roles} == roles
    assert {*found.models} == {*found.prompts} == roles - {"guard"}  # it asks no model here
    assert found.prompts["refiner"] == prompts["refiner"].text
    assert len(found.strategies) == 8
    assert {*found.error_types} == {*PsychologicalError}
    assert 'graph = "self_refine"' in found.config
    config, journal = open_run(replayed)
    with closing(journal):
        assert "seeker" not in settings_of(journal, config).models


def test_a_turn_of_a_dialogue_can_be_viewed_by_itself(live):
    _, journal = open_run(live)
    with closing(journal):
        dialogue = dialogue_at(journal, 1)
        assert card_of(journal, dialogue, 1) == page(live, 1).card
    assert turn_view(dialogue, dialogue.turns[2]) == page(live, 1).turns[2]
