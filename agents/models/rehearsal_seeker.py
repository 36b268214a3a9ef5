"""The embedded seeker: an agenda, a pace of opening up, and relief that depends on the reply.

What a reply does to this seeker follows from the persona in the prompt: kinds of help that meet a
hidden need relieve, kinds that hurt do harm, a feeling named rightly relieves, advice before the
feeling was met does not. The whole state is a fold over the dialogue, so nothing is kept between
calls.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from attunement.agents.models.rehearsal_hearing import (
    TRAIT_OF_SENTENCE,
    ReplyHeard,
    hear_reply,
    read_block,
    read_dialogue,
)
from attunement.agents.models.rehearsal_words import (
    FEELING_WORDS,
    HELP_HINTS,
    HURT_HINTS,
    MASKS,
    STRENGTH,
    TRAIT_HINTS,
    chance,
    pick,
)
from attunement.agents.prompting import ChatMessage
from attunement.agents.seeker import MANNER_SENTENCES, PACE_SENTENCES
from attunement.core.needs import kinds_of_help
from attunement.core.records import Emotion, Problem
from attunement.core.strategies import Strategy

_CAME = re.compile(r"^You have come because of this \((.+?)\): (.*)$", re.MULTILINE)
_FEELS = re.compile(r"^Right now you feel (\w+); its strength is (\d) of 5\.$", re.MULTILINE)
_PACE_OF = {sentence: pace for pace, sentence in PACE_SENTENCES.items()}
_MANNER_OF = {sentence: manner for manner, sentence in MANNER_SENTENCES.items()}
_GREETINGS = ("Hello.", "Hi.", "Hi there.", "Good evening.")
_MOVED = ("Yes. That is it.", "That does me good to hear.", "You got that right.", "Thank you.")
_UNMOVED = ("Hm.", "I suppose so.", "Maybe.", "Well.")
_PUT_OFF = (
    "That does not really help.",
    "That is not what I need.",
    "I am not sure you heard me.",
    "Everybody says that.",
)
_AFTER_HURT = ("Let us leave it at that for a moment.", "I do not know what else to say.")
_GOODBYE = ("I think I can sleep tonight. Thank you.", "I feel lighter now. Take care, and thanks.")
_GIVE_UP = ("I do not think this leads anywhere. Bye.", "I will leave it here. Goodbye.")


@dataclass(frozen=True)
class Card:
    """What the embedded seeker reads off its prompt."""

    emotion: Emotion
    intensity: int
    problem: Problem
    agenda: tuple[str, ...]
    helps: frozenset[Strategy]
    hurts: frozenset[Strategy]
    pace: int
    manner: str
    worries: float
    """How much of each relief lasts; high neuroticism keeps less."""
    secret: str
    hides: bool
    """Whether they name another feeling until they trust."""


@dataclass
class State:
    """Where the seeker stands after the dialogue so far."""

    intensity: float
    told: int
    """How many items of the agenda are out once this turn is spoken."""
    told_before: int = 0
    trust: float = 0.0
    met: set[Strategy] = field(default_factory=set)
    ratings: list[int] = field(default_factory=list)


def speak_as_seeker(messages: list[ChatMessage], seed: int) -> str:
    """The seeker's answer to a rendered seeker prompt: a `SeekerTurn` as JSON."""
    card = read_card(read_block("persona", messages[1]["content"]))
    dialogue = read_dialogue(messages[1]["content"])
    state = fold(card, [words for speaker, words in dialogue if speaker == "supporter"])
    turn = sum(speaker == "seeker" for speaker, _ in dialogue) + 1
    strength = round(state.intensity)
    ending = _ending(state)
    told: list[str] = []
    if ending:
        words = pick(seed, 1, ending)
    else:
        told = list(card.agenda[state.told_before : state.told])
        words = _in_manner(card, _compose(card, state, turn, told, seed), seed)
    return orjson.dumps(
        {
            "text": words,
            "emotion": card.emotion,
            "intensity": strength,
            "disclosed": [" ".join(item.split()[:8]) for item in told],
            "rating": state.ratings[-1] if state.ratings else None,
            "wants_to_stop": ending is not None,
        }
    ).decode()


@lru_cache(maxsize=2048)
def read_card(persona: str) -> Card:
    """Read a rendered persona block; what it does not say gets a middling value."""
    came, feels = _CAME.search(persona), _FEELS.search(persona)
    lines = persona.split("\n")
    traits = [TRAIT_OF_SENTENCE[line] for line in lines if line in TRAIT_OF_SENTENCE]
    helps = kinds_of_help(_items(lines, "What helps you:"))
    hurts = kinds_of_help(_items(lines, "What makes it worse for you:")) - helps
    trusted = "Said only to someone you trust: "
    secret = next((li.removeprefix(trusted) for li in lines if li.startswith(trusted)), "")
    pace = next((_PACE_OF[line] for line in lines if line in _PACE_OF), "steadily")
    manner = next((_MANNER_OF[line] for line in lines if line in _MANNER_OF), "plain")
    worries = {"high": 0.8, "low": 1.15}
    return Card(
        emotion=Emotion(feels[1]) if feels else Emotion.SADNESS,
        intensity=int(feels[2]) if feels else 3,
        problem=Problem(came[1]) if came else Problem.OTHER,
        agenda=_agenda(came[2] if came else "", lines, helps, hurts, traits),
        helps=helps,
        hurts=hurts,
        pace={"slowly": 1, "steadily": 1, "quickly": 2}[pace],
        manner=manner,
        worries=next((worries.get(lv, 1.0) for trait, lv in traits if trait == "neuroticism"), 1.0),
        secret=secret,
        hides=pace == "slowly" or manner in ("guarded", "ironic"),
    )


def _agenda(
    situation: str,
    lines: list[str],
    helps: frozenset[Strategy],
    hurts: frozenset[Strategy],
    traits: list[tuple[str, str]],
) -> tuple[str, ...]:
    """What there is to tell, first to last: the situation, then life, hints and traits in turn."""
    sentences = re.findall(r"[^.!?]+[.!?]*", situation)
    seed = sum(map(ord, situation))
    streams = [
        [pick(seed, 3, HELP_HINTS[kind]) for kind in sorted(helps)],
        _items(lines, "You may tell bit by bit, in this order, as trust grows:"),
        [pick(seed, 5, HURT_HINTS[kind]) for kind in sorted(hurts)],
        [pick(seed, 7, TRAIT_HINTS[key]) for key in traits],
    ]
    rows = max(map(len, streams))
    mixed = [stream[i] for i in range(rows) for stream in streams if i < len(stream)]
    return (*(s.strip() for s in sentences if s.strip()), *mixed)


def _items(lines: list[str], heading: str) -> list[str]:
    if heading not in lines:
        return []
    items = []
    for line in lines[lines.index(heading) + 1 :]:
        if not line.startswith("- "):
            break
        items.append(line[2:])
    return items


def fold(card: Card, replies: list[str]) -> State:
    """Live through the replies so far."""
    state = State(float(card.intensity), told=card.pace + 1)
    for number, reply in enumerate(replies, 1):
        heard = hear_reply(reply)
        eased = relief(card, state, heard, number) - (0.5 if reply in replies[: number - 1] else 0)
        state.intensity = min(5.0, max(1.0, state.intensity - 0.7 * eased))
        state.trust += eased
        state.ratings.append(min(5, max(1, round(2.6 + 1.7 * eased))))
        state.met |= heard.kinds & card.helps
        asked = Strategy.QUESTION in heard.kinds
        state.told_before = state.told
        state.told += 0 if eased < -0.3 else card.pace + (eased > 0.5) + asked
    return state


def relief(card: Card, state: State, heard: ReplyHeard, number: int) -> float:
    """What reply `number` does to this seeker: above 0 it eases, below 0 it hurts."""
    eased = 0.0
    helping = heard.kinds & card.helps
    if helping:
        eased += 0.8 if helping - state.met else 0.5
    if heard.kinds & card.hurts:
        eased -= 0.8
    if heard.feelings:
        eased += 0.4 if card.emotion in heard.feelings else -0.2
    if card.problem in heard.topics:
        eased += 0.2
    if heard.stock:
        eased -= 0.25
    if Strategy.SUGGESTIONS in heard.kinds - card.helps and number <= 2:
        eased -= 0.4
    return eased * card.worries if eased > 0 else eased


def _ending(state: State) -> tuple[str, ...] | None:
    if len(state.ratings) >= 3 and state.intensity < 1.75:
        return _GOODBYE
    if len(state.ratings) >= 4 and all(rating <= 2 for rating in state.ratings[-3:]):
        return _GIVE_UP
    return None


def _compose(card: Card, state: State, turn: int, told: list[str], seed: int) -> str:
    parts = []
    if turn == 1:
        parts.append(pick(seed, 1, _GREETINGS))
    elif state.ratings:
        last = state.ratings[-1]
        parts.append(pick(seed, 2, _MOVED if last >= 4 else _UNMOVED if last == 3 else _PUT_OFF))
    parts += told
    if not told and turn > 1:
        parts.append(pick(seed, 4, _AFTER_HURT))
    if turn == 1 or chance(seed, 5, 55):
        masked = card.hides and state.trust < 0.8
        shown = MASKS[card.emotion] if masked else card.emotion
        word = pick(seed, 6, FEELING_WORDS[shown][:3])
        parts.append(f"I feel {pick(seed, 7, STRENGTH[round(state.intensity)])} {word}.")
    if card.secret and (state.trust >= 1.2 or turn >= 5):
        parts.append(card.secret)
    return " ".join(parts)


_FILLERS = ("I mean,", "you know,", "well,", "how shall I put it,")
_DOUBTS = ("I do not know if I should say this.", "It is probably nothing.", "Never mind, but.")
_IRONIES = ("Great fun, obviously.", "Living the dream.", "Couldn't be better.")


def _in_manner(card: Card, words: str, seed: int) -> str:
    if card.manner == "rambling":
        return f"{words} And, {pick(seed, 8, _FILLERS)} one thing leads to another."
    if card.manner == "guarded" and chance(seed, 9, 50):
        return f"{pick(seed, 9, _DOUBTS)} {words}"
    if card.manner == "ironic" and chance(seed, 10, 50):
        return f"{words} {pick(seed, 10, _IRONIES)}"
    if card.manner == "second-language":
        return re.sub(r"\b(the|a|an) (?=\w)", "", words)
    if card.manner == "terse":
        return re.sub(r"\b(I am|I have|really|very) ", "", words)
    return words
