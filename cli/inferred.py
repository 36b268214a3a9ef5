"""What the reflector inferred beside what the seeker hides, in one line."""

from collections.abc import Iterator, Sequence

from attunement.core.records import Persona, Reflection, Turn
from attunement.evaluation.reflection import true_emotion, true_intensity


def inferred_line(persona: Persona, turn: Turn) -> str:
    """The line; empty where nothing was inferred, or nothing is known to set beside it."""
    from attunement.viewer.debugger.reading import inference_of

    seen = turn.reflection
    found = inference_of(persona, turn, seen)
    if seen is None or found is None:
        return ""
    parts = [*_felt(persona, turn, seen), *_met("helps", found.helps), *_met("hurts", found.hurts)]
    for trait, right in found.personality.items():
        level = getattr(seen.personality, trait)
        hidden = getattr(persona.big_five, trait)
        parts.append(f"{trait} {level} {'✓' if right else f'✗ (is {hidden})'}")
    return "; ".join(parts)


def _felt(persona: Persona, turn: Turn, seen: Reflection) -> Iterator[str]:
    emotion, intensity = true_emotion(persona, turn), true_intensity(persona, turn)
    if emotion is not None:
        yield f"{seen.emotion} {'✓' if seen.emotion == emotion else f'✗ (is {emotion})'}"
    if intensity is not None:
        same = seen.intensity == intensity
        off = "✓" if same else f"{seen.intensity - intensity:+d} (is {intensity})"
        yield f"{seen.intensity} of 5 {off}"


def _met(what: str, named: Sequence[bool]) -> Iterator[str]:
    """How many of the card's sentences it names; nothing where nobody knows them."""
    if named:
        yield f"{sum(named)} of {len(named)} of what {what}"
