"""Whole cards drawn by a seed: as many seekers as a run needs, none of them a real person."""

from attunement.core.records import Persona
from attunement.personas.drawing import Draw, complete

LICENCE = "CC0-1.0"
"""Of drawn cards: nobody wrote them."""


def drawn_personas(n: int, seed: int = 0, stem: str = "drawn") -> tuple[Persona, ...]:
    """`n` cards with the ids `<stem>-0000`, `<stem>-0001`, …; the same ones for the same seed.

    Problem, situation, emotion, intensity, needs, pace, manner and Big Five are drawn, each evenly.
    Cards of another stem or seed are other people, though their situations come from the same list.
    """
    return tuple(_card(f"{stem}-{number:04d}", seed) for number in range(n))


def _card(card_id: str, seed: int) -> Persona:
    done = complete({}, Draw(seed, card_id))
    source = f"drawn with seed {seed}"
    return Persona.model_validate(
        {**done.card, "id": card_id, "source": source, "drawn": done.drawn, "licence": LICENCE}
    )
