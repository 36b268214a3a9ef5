"""The embedded supporter: rules for planner, responder, joint model, reflector, refiner, guard.

The responder's drafts are generic: stock phrases, and often advice too early. The reflector reads
what the seeker's lines give away. The refiner names what the reflection found and gives the kind
of help that it asks for. So refining pays exactly as far as the reflection is right.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

import orjson

from attunement.agents.crisis import screen
from attunement.agents.models.rehearsal_hearing import (
    hear_seeker,
    read_block,
    read_dialogue,
)
from attunement.agents.models.rehearsal_words import (
    FEELING_WORDS,
    FITTED,
    GENERIC,
    NEED_SENTENCES,
    STOCK_PHRASES,
    TOPICS,
    chance,
    pick,
)
from attunement.agents.prompting import ChatMessage
from attunement.core.needs import kinds_of_help
from attunement.core.records import Emotion, Problem, Role
from attunement.core.strategies import STRATEGIES, Stage, Strategy

_STRATEGY = rf"\nStrategy for your next reply: ({'|'.join(map(re.escape, Strategy))})"
_PROMPTED, _NOTED = re.compile(rf"{_STRATEGY}\Z"), re.compile(rf"{_STRATEGY}\n</note>\Z")
_DRAFTED = re.compile(r"\(strategy: (.+?)\):\n<draft>")
_FELT = re.compile(r"^Feels: (\w+),", re.MULTILINE)
_ABOUT = re.compile(r"^Situation: .*\((.+)\)\.?$", re.MULTILINE)
_HABITS: dict[Stage, tuple[Strategy, ...]] = {
    Stage.EXPLORATION: (Strategy.QUESTION, Strategy.QUESTION, Strategy.RESTATEMENT),
    Stage.COMFORTING: (
        Strategy.AFFIRMATION, Strategy.REFLECTION, Strategy.AFFIRMATION, Strategy.SELF_DISCLOSURE,
    ),
    Stage.ACTION: (Strategy.SUGGESTIONS, Strategy.SUGGESTIONS, Strategy.INFORMATION),
}  # fmt: skip
"""What the planner reaches for in each stage: biased on purpose, as untrained planners are."""
_OWN_CHOICE = (Strategy.AFFIRMATION, Strategy.SUGGESTIONS, Strategy.QUESTION)
"""What the responder does without a plan: comfort, advice, a question."""

_Item = TypeVar("_Item", bound=Hashable)


def write_plan(messages: list[ChatMessage], seed: int) -> str:
    """A `Plan` as JSON: the stage by the number of replies, the strategy by habit.

    Asked by one message, as recipe B asks, it answers with the strategy's bare name.
    """
    if len(messages) == 1:
        return _name(len(read_dialogue(messages[0]["content"])), seed)
    replies = sum(speaker == "supporter" for speaker, _ in read_dialogue(messages[-1]["content"]))
    stage = list(STRATEGIES)[min(replies // 2, 2)]
    strategy = pick(seed, 1, _HABITS[stage])
    reason = f"After {replies} replies the talk is at {stage}."
    return orjson.dumps({"stage": stage, "strategy": strategy, "reason": reason}).decode()


def _name(lines: int, seed: int) -> str:
    """A strategy's name, most often by habit; in 2 of 100 cases none of the eight."""
    if chance(seed, 11, 2):
        return pick(seed, 12, _NO_STRATEGY)
    stage = list(STRATEGIES)[min(lines // 6, 2)]
    habit = chance(seed, 13, 60)
    return pick(seed, 14, _HABITS[stage] if habit else tuple(Strategy))


_NO_STRATEGY = ("Active listening", "Comforting the seeker.", "Question, then Information")


def speak_jointly(messages: list[ChatMessage], seed: int) -> str:
    """`[Strategy] reply`; now and then a strategy that is none, or no tag at all."""
    named = _name(len(messages), seed)
    by_name = {strategy.value: strategy for strategy in Strategy}
    text = _generic(by_name.get(named, Strategy.OTHERS), seed)
    return text if chance(seed, 15, 1) else f"[{named}] {text}"


def write_draft(messages: list[ChatMessage], seed: int) -> str:
    """A reply that would fit anybody, after the strategy that the prompt names, if it does."""
    named = _named(messages)
    return _generic(Strategy(named[1] if named else pick(seed, 2, _OWN_CHOICE)), seed)


def _generic(strategy: Strategy, seed: int) -> str:
    parts = [pick(seed, 3, STOCK_PHRASES)] if chance(seed, 4, 70) else []
    parts.append(pick(seed, 5, GENERIC[strategy]))
    if chance(seed, 6, 40):
        other = Strategy.SUGGESTIONS if strategy is not Strategy.SUGGESTIONS else Strategy.OTHERS
        parts.append(pick(seed, 7, GENERIC[other]))
    return " ".join(parts)


def _named(messages: list[ChatMessage]) -> re.Match[str] | None:
    """Where the strategy stands: the end of the system prompt, or the note at the very end."""
    return _PROMPTED.search(messages[0]["content"]) or _NOTED.search(messages[-1]["content"])


def write_reflection(messages: list[ChatMessage], seed: int) -> str:
    """A `Reflection` as JSON, from what the seeker's lines give away."""
    lines = [w for speaker, w in read_dialogue(messages[-1]["content"]) if speaker == "seeker"]
    heard = [hear_seeker(words) for words in lines]
    named = [h.feelings[0] for h in heard if h.feelings]
    emotion = named[-1] if named else Emotion.ANXIETY
    topic = _most(p for h in heard for p in h.topics) or Problem.OTHER
    strengths = [h.strength for h in heard if h.strength]
    traits = {trait: level for h in heard for trait, level in h.traits}
    return orjson.dumps(
        {
            "who": _portrait(lines, traits),
            "personality": traits,
            "emotion": emotion,
            "intensity": strengths[-1] if strengths else 3,
            "situation": f"Something about {TOPICS[topic][0]} weighs on them ({topic}).",
            "needs": _sentences(k for h in heard for k in h.helps),
            "avoid": _sentences(k for h in heard for k in h.hurts),
        }
    ).decode()


def write_refinement(messages: list[ChatMessage], seed: int) -> str:
    """A `Reply` as JSON that gives what the reflection asks for, in its words."""
    prompt = messages[-1]["content"]
    reflection = read_block("reflection", prompt)
    needs, _, avoid = reflection.partition("\nNeeds:")[2].partition("\nCannot bear:")
    wanted = sorted(kinds_of_help(needs.splitlines()))
    shunned = kinds_of_help(avoid.splitlines())
    drafted = _DRAFTED.search(prompt)
    planned = [Strategy(drafted[1])] if drafted and drafted[1] in set(Strategy) else []
    safe = [s for s in (*planned, Strategy.REFLECTION, Strategy.OTHERS) if s not in shunned]
    strategy = Strategy(pick(seed, 1, tuple(wanted))) if wanted else safe[0]
    felt, about = _FELT.search(reflection), _ABOUT.search(reflection)
    feeling = FEELING_WORDS[Emotion(felt[1]) if felt else Emotion.SADNESS][0]
    topic = TOPICS[Problem(about[1]) if about else Problem.OTHER][0]
    parts = [pick(seed, 2, FITTED[strategy])]
    if strategy is not Strategy.REFLECTION and Strategy.REFLECTION not in shunned:
        parts.insert(0, pick(seed, 3, _NAMING))
    text = " ".join(part.format(feeling=feeling, topic=topic) for part in parts)
    return orjson.dumps({"strategy": strategy, "text": text[0].upper() + text[1:]}).decode()


_NAMING = ("So {feeling}, with {topic}.", "{topic} leaves you {feeling}.")


def watch(messages: list[ChatMessage], seed: int) -> str:
    """The guard model's answer: the same rules that stand before it."""
    lines = [w for speaker, w in read_dialogue(messages[-1]["content"]) if speaker == "seeker"]
    found = screen(lines[-1] if lines else "")
    return orjson.dumps(
        {"crisis": found.crisis, "kind": found.kind, "evidence": found.evidence}
    ).decode()


SUPPORTER: dict[Role, Callable[[list[ChatMessage], int], str]] = {
    "guard": watch,
    "planner": write_plan,
    "responder": write_draft,
    "joint": speak_jointly,
    "reflector": write_reflection,
    "refiner": write_refinement,
}


def _most(items: Iterable[_Item]) -> _Item | None:
    """The most frequent item; of several, the one that came first."""
    counted = Counter(items).most_common(1)
    return counted[0][0] if counted else None


def _sentences(kinds: Iterable[Strategy]) -> list[str]:
    return [NEED_SENTENCES[kind] for kind in dict.fromkeys(kinds)]


def _portrait(lines: list[str], traits: dict[str, str]) -> str:
    words = sum(len(line.split()) for line in lines) / max(1, len(lines))
    talk = "few words" if words < 12 else "many words" if words > 40 else "plain words"
    known = ", ".join(f"{level} {trait}" for trait, level in traits.items())
    return f"Someone of {talk}" + (f"; {known}." if known else "; little else shows yet.")
