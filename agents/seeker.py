"""The seeker: a persona who speaks, and in private feels, rates and decides when to stop."""

from collections.abc import Sequence

from attunement.agents.asking import Chat, ask_record
from attunement.agents.prompting import block, flatten
from attunement.core.records import (
    BigFive,
    Manner,
    Pace,
    Persona,
    SeekerTurn,
    Utterance,
)

TRAIT_SENTENCES: dict[tuple[str, str], str] = {
    ("openness", "high"): "You are curious and drawn to new ideas and unusual ways.",
    ("openness", "low"): "You like what is familiar and hold with what has proved itself.",
    ("conscientiousness", "high"): "You are orderly, keep your word and plan ahead.",
    ("conscientiousness", "low"): "You take things as they come and leave much until later.",
    ("extraversion", "high"): "You come alive among people and think aloud.",
    ("extraversion", "low"): "You keep to yourself and need time alone.",
    ("agreeableness", "high"): "You are gentle with others and give way easily.",
    ("agreeableness", "low"): "You say what you think and do not give way easily.",
    ("neuroticism", "high"): "You worry a lot and take things hard.",
    ("neuroticism", "low"): "You are even-tempered and seldom lose your calm.",
}
PACE_SENTENCES: dict[Pace, str] = {
    "slowly": "You open up slowly: it takes several good replies before you say what is tender.",
    "steadily": "You open up steadily, a little more with each good reply.",
    "quickly": "You open up quickly and tell much from the start.",
}
MANNER_SENTENCES: dict[Manner, str] = {
    "plain": "You talk plainly.",
    "terse": "You talk tersely: few words, short sentences.",
    "rambling": "You ramble: long sentences, asides, one thing leading to another.",
    "guarded": "You talk guardedly: hints first, doubts whether to say it at all.",
    "ironic": "You talk with irony, most of all where it hurts.",
    "second-language": "You speak in a second language: simple words, small mistakes.",
}


async def seek(
    chat: Chat, persona: Persona, dialogue: Sequence[Utterance], past: Sequence[SeekerTurn]
) -> SeekerTurn:
    """Speak as `persona`, who has heard `dialogue` and felt `past`. `AnswerError` if unreadable."""
    prompt = chat.prompt.chat(
        persona=block("persona", describe(persona)),
        dialogue=flatten(dialogue),
        private=block("private", notes(past)),
    )
    return await ask_record(chat, prompt, SeekerTurn)


def notes(past: Sequence[SeekerTurn]) -> str:
    """A seeker's private memory of their own turns: constant in size but for two digits a turn."""
    if not past:
        return "(none yet)"
    strengths = " ".join(str(turn.intensity or "?") for turn in past)
    ratings = " ".join(str(turn.rating) for turn in past if turn.rating)
    feeling = past[-1].emotion or "not clear"
    return f"What I felt last: {feeling}. Its strength in each of my turns: {strengths}." + (
        f" How much the replies helped: {ratings}." if ratings else ""
    )


def describe(persona: Persona) -> str:
    """A persona card as plain sentences, hidden parts included: for the seeker's eyes only."""
    parts = [
        f"You are {_who(persona)}.",
        *_said("About you", persona.profile),
        *personality(persona.big_five),
        f"You have come because of this ({persona.problem}): {_flat(persona.situation)}",
        f"Right now you feel {persona.emotion}; its strength is {persona.intensity} of 5.",
        *_listed("You may tell bit by bit, in this order, as trust grows:", persona.background),
        *_listed("What helps you:", persona.what_helps),
        *_listed("What makes it worse for you:", persona.what_hurts),
        PACE_SENTENCES[persona.opens_up],
        MANNER_SENTENCES[persona.manner],
        *_said("How you sound", persona.voice),
        *_said("You speak this language", "" if persona.language == "en" else persona.language),
        *_said("Said only to someone you trust", persona.risk_detail),
    ]
    return "\n".join(parts)


def personality(levels: BigFive) -> list[str]:
    """The Big Five as plain sentences; a medium level says nothing."""
    return [s for key in levels if (s := TRAIT_SENTENCES.get(key))]


def _who(persona: Persona) -> str:
    about = persona.demographics
    facts = [
        persona.name,
        f"{about.age} years old" if about.age is not None else None,
        about.gender, about.occupation, about.education, about.culture, about.living,
    ]  # fmt: skip
    return ", ".join(_flat(fact) for fact in facts if fact) or "a person"


# Every free text is put on one line behind a fixed heading, so that it can forge no other line.
def _flat(text: str) -> str:
    return " ".join(text.split())


def _said(heading: str, text: str) -> list[str]:
    return [f"{heading}: {_flat(text)}"] if text else []


def _listed(heading: str, items: Sequence[str]) -> list[str]:
    return [heading, *(f"- {_flat(item)}" for item in items)] if items else []
