"""The records that rooms hand to each other: frozen, strict, and validated at birth."""

from enum import StrEnum
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from attunement.core.errors import unknown
from attunement.core.strategies import Stage, Strategy, parse_strategy


class Record(BaseModel):
    """Base of all records: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200_000)]
Intensity = Annotated[int, Field(ge=1, le=5)]
"""Strength of an emotion on ESConv's scale: 1 very weak to 5 very strong."""


# ---- who comes ----------------------------------------------------------------------------------


class Emotion(StrEnum):
    """ESConv's eleven emotion types."""

    ANXIETY = "anxiety"
    DEPRESSION = "depression"
    SADNESS = "sadness"
    ANGER = "anger"
    FEAR = "fear"
    SHAME = "shame"
    DISGUST = "disgust"
    NERVOUSNESS = "nervousness"
    GUILT = "guilt"
    JEALOUSY = "jealousy"
    PAIN = "pain"


class Problem(StrEnum):
    """ESConv's thirteen problem types, in the corpus' spelling, and `other` for foreign tables."""

    ONGOING_DEPRESSION = "ongoing depression"
    JOB_CRISIS = "job crisis"
    BREAKUP = "breakup with partner"
    FRIENDS = "problems with friends"
    ACADEMIC_PRESSURE = "academic pressure"
    SLEEP = "Sleep Problems"
    PROCRASTINATION = "Procrastination"
    ALCOHOL = "Alcohol Abuse"
    APPEARANCE = "Appearance Anxiety"
    CHILDREN = "Issues with Children"
    CONFLICT_WITH_PARENTS = "conflict with parents"
    PARENTS = "Issues with Parents"
    BULLYING = "School Bullying"
    OTHER = "other"


Level = Literal["low", "medium", "high"]
Trait = Literal["openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism"]
TRAITS: tuple[Trait, ...] = (
    "openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism",
)  # fmt: skip


class BigFive(Record):
    """The Big Five as levels; prompts say them in plain sentences, never as numbers."""

    openness: Level = "medium"
    conscientiousness: Level = "medium"
    extraversion: Level = "medium"
    agreeableness: Level = "medium"
    neuroticism: Level = "medium"


class Demographics(Record):
    """What a stranger could know about a person; every field may be unknown."""

    age: Annotated[int, Field(ge=10, le=110)] | None = None
    """Years; for an age band in an imported table, its middle."""
    gender: str | None = None
    occupation: str | None = None
    education: str | None = None
    culture: str | None = None
    """Where someone comes from and lives, in a few words."""
    living: str | None = None
    """Household and means, in a few words."""


Manner = Literal["plain", "terse", "rambling", "guarded", "ironic", "second-language"]
Pace = Literal["slowly", "steadily", "quickly"]
Risk = Literal["none", "at-risk"]


def _case_insensitive(value: object, kind: str, known: type[StrEnum]) -> object:
    """Map a spelling to its member without regard to case; else name the known ones."""
    if isinstance(value, known) or not isinstance(value, str):
        return value
    if value in known._value2member_map_:  # the usual case, and this is asked for every record
        return known(value)
    wanted = " ".join(value.split()).lower()
    for member in known:
        if member.value.lower() == wanted:
            return member
    raise ValueError(unknown(kind, value, known))


class Persona(Record):
    """A seeker's card: who they are and what no supporter may see."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]
    """Letters, digits, dot, dash, underscore; unique within a persona set."""
    name: str | None = None
    demographics: Demographics = Demographics()
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]+)*$")] = "en"
    """BCP 47 tag of the language that the person speaks here."""
    big_five: BigFive = BigFive()
    problem: Problem
    situation: Text
    """What happened, in the first person."""
    emotion: Emotion
    intensity: Intensity
    """How strong the emotion is when the dialogue begins."""
    background: tuple[Text, ...] = ()
    """What comes out bit by bit as trust grows, first to last, in the first person."""
    what_helps: tuple[Text, ...] = ()
    """Hidden: what meets this person's need, one sentence each."""
    what_hurts: tuple[Text, ...] = ()
    """Hidden: what makes it worse for this person, one sentence each."""
    opens_up: Pace = "steadily"
    manner: Manner = "plain"
    """Way of talking, as a kind."""
    voice: str = ""
    """Way of talking, as a sentence."""
    profile: str = ""
    """Free text about the person, as an imported table gives it."""
    risk: Risk = "none"
    risk_detail: str = ""
    """Hidden: what is at stake for an at-risk person, in words they would use if they trusted."""
    source: str = ""
    """Where the card comes from; which fields were drawn rather than read."""
    drawn: tuple[str, ...] = ()
    """The fields that nobody said: drawn by a seed, or neutral."""
    licence: str = ""

    @field_validator("emotion", mode="before")
    @classmethod
    def _emotion(cls, value: object) -> object:
        return _case_insensitive(value, "emotion", Emotion)

    @field_validator("problem", mode="before")
    @classmethod
    def _problem(cls, value: object) -> object:
        return _case_insensitive(value, "problem", Problem)

    @model_validator(mode="after")
    def _risk_has_words(self) -> Self:
        if self.risk == "at-risk" and not self.risk_detail:
            raise ValueError("`risk_detail` must say what is at stake when `risk` is 'at-risk'")
        return self


# ---- roles --------------------------------------------------------------------------------------

Role = Literal[
    "seeker", "guard", "planner", "responder", "joint", "reflector", "refiner", "judge"
]  # fmt: skip
SUPPORTER_ROLES: tuple[Role, ...] = (
    "guard", "planner", "responder", "joint", "reflector", "refiner",
)  # fmt: skip
"""The roles that must never see a persona or a seeker's private state."""


# ---- what is said and thought in a turn ---------------------------------------------------------


class Utterance(Record):
    """One public line of a dialogue: all that the other side can hear."""

    speaker: Literal["seeker", "supporter"]
    text: str
    strategy: Strategy | None = None
    """A supporter's strategy, where it is known."""


class SeekerTurn(Record):
    """What a seeker says, and in private what it does to them (never shown to a supporter)."""

    text: Text
    emotion: Emotion | None = None
    """Private. None where a recording does not say."""
    intensity: Intensity | None = None
    """Private."""
    disclosed: tuple[str, ...] = ()
    """Private: what has come out in this turn, in short."""
    rating: Annotated[int, Field(ge=1, le=5)] | None = None
    """Private: how much the supporter's last reply helped, 1 not at all to 5 very much."""
    wants_to_stop: bool = False
    """Whether the seeker ends the dialogue with these words."""

    @field_validator("emotion", mode="before")
    @classmethod
    def _emotion(cls, value: object) -> object:
        return _case_insensitive(value, "emotion", Emotion)


def _strategy(value: object) -> object:
    return parse_strategy(value) if isinstance(value, str) else value


class Plan(Record):
    """What the planner wants the next reply to do."""

    stage: Stage | None = None
    """None where the planner was asked for the strategy alone."""
    strategy: Strategy
    reason: str = ""

    _parse_strategy = field_validator("strategy", mode="before")(_strategy)


class Reply(Record):
    """A supporter's words, and the strategy that they follow where one was given."""

    text: Text
    strategy: Strategy | None = None

    _parse_strategy = field_validator("strategy", mode="before")(_strategy)


class Inferred(Record):
    """Big Five levels as the reflector reads them; None where the dialogue gives no sign."""

    openness: Level | None = None
    conscientiousness: Level | None = None
    extraversion: Level | None = None
    agreeableness: Level | None = None
    neuroticism: Level | None = None


class Reflection(Record):
    """Who the reflector believes it is talking to. It has not seen the draft or the persona."""

    who: str
    """The person's profile in a sentence or two."""
    personality: Inferred = Inferred()
    emotion: Emotion
    intensity: Intensity
    situation: str
    needs: tuple[str, ...] = ()
    """What would help this person now, one sentence each."""
    avoid: tuple[str, ...] = ()
    """What would make it worse for this person, one sentence each."""
    emotion_confidence: SkipJsonSchema[Annotated[float, Field(ge=0, le=1)] | None] = None
    """How sure the reflector is of `emotion`, 0 to 1; no model is asked for it, some may say."""

    @field_validator("emotion", mode="before")
    @classmethod
    def _emotion(cls, value: object) -> object:
        return _case_insensitive(value, "emotion", Emotion)


Side = Literal["draft", "refined", "recorded"]
SIDES: tuple[Side, ...] = get_args(Side)
"""Which reply of a turn is meant."""

Mined = Literal["strategy", "response", "joint"]
MINED: tuple[Mined, ...] = get_args(Mined)
"""What preference mining samples of a model."""
MINING = "ipm"
"""The graph that mines recorded dialogues; it runs in replay alone."""


class Verdict(Record):
    """A judgement with its reason; an unreadable one has no value and enters no mean."""

    name: str
    """What was judged, e.g. `psychological errors`."""
    value: float | None
    """For errors: 1 where one was found, 0 where none was."""
    reason: str = ""
    about: Side | None = None
    """The reply that was judged; None for the whole turn."""
    label: str | None = None
    """The name of what was found, where the judgement is a name."""
    judge: str = ""
    """Spec of the model that judged."""


CrisisKind = Literal["self-harm", "suicide", "harm to others", "abuse"]


class Risky(Record):
    """What the guard found in the seeker's words."""

    crisis: bool = False
    kind: CrisisKind | None = None
    evidence: str = ""
    """The words that led to it."""
    found_by: Literal["rules", "model"] | None = None


class SetAside(Record):
    """Why a turn is no training data: a role gave no usable answer."""

    role: str
    reason: str


Spoken = Literal["draft", "refined", "hand_off"]


class Turn(Record):
    """One exchange: the seeker's words, everything thought about them, and the reply spoken.

    A dialogue's last turn may hold the seeker's words alone (`spoken` is None): their goodbye.
    """

    number: Annotated[int, Field(ge=1)]
    """Counts from 1 within its dialogue."""
    seeker: SeekerTurn
    guard: Risky = Risky()
    plan: Plan | None = None
    draft: Reply | None = None
    reflection: Reflection | None = None
    refined: Reply | None = None
    hand_off: Reply | None = None
    spoken: Spoken | None = None
    set_aside: tuple[SetAside, ...] = ()
    joint: Text | None = None
    """Mining only: `[Strategy] reply` as a joint model wrote it, unparsed."""
    recorded: Reply | None = None
    """The human's reply at this point of a recorded dialogue (replay only)."""
    verdicts: tuple[Verdict, ...] = ()

    @model_validator(mode="after")
    def _spoken_exists(self) -> Self:
        if self.spoken is not None and getattr(self, self.spoken) is None:
            raise ValueError(f"`spoken` is {self.spoken!r}, but the turn has no such reply")
        if self.guard.crisis and self.spoken not in (None, "hand_off"):
            raise ValueError("a crisis turn speaks the hand-off reply only")
        return self

    @property
    def reply(self) -> Reply | None:
        """The reply that was spoken, or None in a closing turn."""
        return None if self.spoken is None else getattr(self, self.spoken)

    @property
    def improved(self) -> bool:
        """Whether draft and refinement are there, differ in their words, and nothing went wrong."""
        if self.draft is None or self.refined is None or self.set_aside:
            return False
        return self.draft.text != self.refined.text


StopReason = Literal["satisfied", "gave_up", "max_turns", "crisis", "recording_ended"]


class Outcome(Record):
    """What a dialogue did to its seeker. None where there is nothing to compute it from."""

    first_intensity: Intensity | None = None
    last_intensity: Intensity | None = None
    mean_rating: float | None = None
    """Mean of the seeker's ratings, 1 to 5."""


class Change(Record):
    """What a branch does differently from the turn on at which it was forked.

    A plan, draft, reply or reflection stands in place of an answer at that turn; models, prompts
    and a seed hold from its supporter on.
    """

    plan: Plan | None = None
    draft: Reply | None = None
    reply: Reply | None = None
    """What is spoken instead."""
    reflection: Reflection | None = None
    model: str | None = None
    """Spec of the model behind the supporter's roles; the seeker and the guard keep theirs."""
    models: dict[Role, str] = Field(default_factory=dict)
    """Specs for single roles; they come before `model`."""
    prompts: dict[Role, str] = Field(default_factory=dict)
    """The texts of roles' prompt files."""
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    """Other chance: with nothing else changed, how else this could have gone."""


class Fork(Record):
    """Where a branch comes from."""

    origin: str
    """Id of the dialogue that was forked, itself a branch or not."""
    turn: Annotated[int, Field(ge=1)]
    """The first turn that differs; those before it are the origin's."""
    change: Change


class Dialogue(Record):
    """A dialogue as the journal holds it."""

    id: str
    persona: Persona
    fork: Fork | None = None
    """Where it comes from, for a branch. Branches enter no figure and no corpus."""
    recorded: tuple[Utterance, ...] | None = None
    """The recorded lines that a replay answers; None in a live dialogue."""
    turns: tuple[Turn, ...] = ()
    stop_reason: StopReason | None = None
    """None while it is open or where it failed."""
    outcome: Outcome | None = None
    error: str | None = None
    """Why it failed; the turns before the failure are kept."""
    verdicts: tuple[Verdict, ...] = ()
    """Judgements of the whole dialogue."""
