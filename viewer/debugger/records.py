"""What the debugger's pages get to know, by address; TypeScript's types are made of it.

    GET  api/runs                                Runs
    GET  api/runs/R                              RunPage
    GET  api/runs/R/graph                        GraphPage
    GET  api/runs/R/strategies                   StrategyPage
    GET  api/runs/R/settings?dialogue            Settings
    GET  api/runs/R/dialogues?…                  DialogueList
         q, status, ended, problem, emotion, flag, sort, descending (0 or 1), offset, limit
    GET  api/runs/R/replies?…                    ReplyList
         strategy, flag, sort, descending (0 or 1), offset, limit
    GET  api/runs/R/dialogues/D                  DialoguePage
    GET  api/runs/R/dialogues/D/turns/T          TurnPage
    GET  api/compare/runs?a=R&b=R&offset&limit   RunComparison
    GET  api/compare/dialogues?a=R/D&b=R/D       DialogueComparison
    GET  api/events                              server-sent events, each one `News`
    POST api/runs/R/dialogues/D/turns/T/annotation   Annotation -> TurnView
    POST api/runs/R/dialogues/D/turns/T/fork         Change     -> Forked

R is a run's key, D a dialogue's index, T a turn's number. A refusal is a `Refusal` with status 400
(unreadable), 404 (no such thing), 409 (cannot be done now) or 503 (could not be stored).
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from attunement.core.records import (
    Change,
    Emotion,
    Fork,
    Outcome,
    Persona,
    Problem,
    Record,
    StopReason,
    Turn,
    Utterance,
    Verdict,
)
from attunement.core.strategies import Strategy
from attunement.simulator.annotating import Annotation

Status = Literal["open", "done", "failed"]
Flag = Literal["set aside", "crisis", "failed", "annotated", "bad", "faulty", "branch"]
"""What a dialogue holds: a set-aside turn, a crisis, an error that ended it, a person's annotation,
one that says bad or names an error, a reply in which a judge found an error, or that it is a
branch."""
FLAGS: tuple[Flag, ...] = ("set aside", "crisis", "failed", "annotated", "bad", "faulty", "branch")
Sort = Literal["index", "turns", "relief", "rating", "set_aside", "match"]
"""Sequence of a list: as run, by replies, by relief, by mean rating, by set-aside turns, or by how
well the search fits."""


ReplySort = Literal["index", "rating", "change"]
"""Sequence of replies: as run, by the rating that they got, or by how much stronger the seeker's
feeling was after them."""


class Refusal(Record):
    """Why something was not done."""

    error: str


# ---- runs ---------------------------------------------------------------------------------------


class RunCard(Record):
    """A run in a list."""

    key: str
    """Names it in addresses."""
    name: str
    folder: str
    """As it was given."""
    trouble: str = ""
    """Why it cannot be read; then the rest is empty."""
    graph: str = ""
    plain_draft: bool = False
    models: tuple[str, ...] = ()
    """Specs of the models that it asks."""
    replayed: bool = False
    dialogues: int = 0
    """Branches left out, as in all counts but `branches`."""
    open: int = 0
    done: int = 0
    failed: int = 0
    branches: int = 0
    turns: int = 0
    """Replies."""
    set_aside: int = 0
    """Turns with a role that gave no usable answer."""
    crises: int = 0
    """Dialogues with a crisis."""
    annotated: int = 0
    """Turns of which somebody said something, those of branches included."""
    writing: bool = False
    """Whether something was written in the last seconds."""
    read: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The share of its turns that the lists and the search know so far."""


class Runs(Record):
    """All runs that are open for reading."""

    runs: tuple[RunCard, ...]
    can_change: bool = True
    """False in a file: there nothing can be forked or annotated."""
    annotator: str = ""
    """Who annotates here."""


class Count(Record):
    """How often something came."""

    name: str
    count: int


class RoleUsage(Record):
    """What one role's calls to one model amount to; None where nobody counted."""

    role: str
    model: str
    calls: int
    failed: int
    prompt_tokens: int | None
    completion_tokens: int | None


class RunPage(Record):
    """A run in figures."""

    card: RunCard
    ended: tuple[Count, ...]
    """Stop reasons, the commonest first."""
    set_aside: tuple[Count, ...]
    """Turns by the role that gave no usable answer."""
    errors: tuple[Count, ...]
    """Why dialogues failed, the commonest first, at most five."""
    relief: float | None
    """Mean over dialogues of first minus last intensity, in points of 1 to 5: above 0 is relief."""
    rating: float | None
    """Mean over dialogues of the seeker's mean rating, 1 to 5."""
    usage: tuple[RoleUsage, ...]
    problems: tuple[Count, ...]
    """Dialogues by problem, the commonest first."""
    emotions: tuple[Count, ...]
    flags: tuple[Count, ...]
    """Dialogues by `Flag`."""
    intensity: tuple[float | None, ...]
    """Mean intensity at turn 1, 2, …, at most 50, over dialogues that got there."""


# ---- graphs -------------------------------------------------------------------------------------

Point = tuple[float, float]
"""Columns and rows of a grid of characters; a cell is about twice as high as wide."""


class NodeView(Record):
    """A node of the agent graph: its place and, for a whole run, what happened in it.

    Its frame runs through the middle of its outermost cells.
    """

    id: str
    label: str
    x: float
    y: float
    width: float
    height: float
    turns: int | None = None
    """Committed turns that passed through it."""
    calls: int | None = None
    """None for a node without a model."""
    mean_latency_ms: float | None = None
    errors: int = 0
    re_asks: int = 0


class EdgeView(Record):
    """An edge of the agent graph."""

    source: str
    target: str
    label: str = ""
    conditional: bool = False
    taken: int | None = None
    """How many committed turns took it."""
    points: tuple[Point, ...]
    """Its corners, from the frame of its source to that of its target."""
    label_at: Point
    """Where the label's first character stands."""


class GraphView(Record):
    """A compiled graph, laid out; every box has room for its name and two lines of 18 letters."""

    name: str
    width: float
    height: float
    nodes: tuple[NodeView, ...]
    edges: tuple[EdgeView, ...]


class GraphPage(Record):
    """A run on its graph."""

    graph: GraphView
    hot: tuple[str, ...]
    """The nodes in sequence of the time spent in their calls, the most first."""


class StrategyNode(Record):
    """One of the eight strategies; means are None over nothing."""

    strategy: str
    times: int
    mean_relief: float | None
    mean_rating: float | None


class StrategyEdge(Record):
    """One strategy after another, in the next turn of the same dialogue."""

    source: str
    target: str
    times: int
    mean_relief: float | None
    mean_rating: float | None


class StrategyPage(Record):
    """The strategy-transition network of a run."""

    replies: int
    without_strategy: int
    nodes: tuple[StrategyNode, ...]
    """In the taxonomy's sequence, all eight."""
    edges: tuple[StrategyEdge, ...]


# ---- dialogues ----------------------------------------------------------------------------------


class Hit(Record):
    """Where a search was found."""

    turn: int
    """0: in the persona's card, or in the error."""
    field: str
    """E.g. `seeker`, `reply`, `draft`, `reflection`, `plan`, `persona`."""
    before: str
    found: str
    after: str
    """The words around what was found; together an excerpt."""


class DialogueCard(Record):
    """A dialogue in a list."""

    index: int
    id: str
    persona_id: str
    name: str
    """The persona's name, or their id."""
    problem: Problem
    emotion: Emotion
    status: Status
    stop_reason: StopReason | None
    turns: int
    """Replies."""
    set_aside: int
    """Turns."""
    outcome: Outcome
    flags: tuple[Flag, ...]
    origin: int | None = None
    """Index of the dialogue that it branches from."""
    forked_at: int | None = None
    hits: tuple[Hit, ...] = ()
    """At most three, where something was searched for."""


class DialogueList(Record):
    """A page of a run's dialogues; branches stand among them."""

    rows: tuple[DialogueCard, ...]
    total: int
    """That fit the filters and the search."""
    offset: int


class Word(Record):
    """A piece of a word diff."""

    kind: Literal["same", "removed", "added"]
    text: str
    """With its spaces."""


class Inference(Record):
    """What the reflector inferred beside what the seeker hides, where both are known."""

    emotion: bool | None = None
    """Whether it is the emotion that the seeker has in this turn."""
    intensity: int | None = None
    """Inferred minus hidden, in points."""
    personality: dict[str, bool] = Field(default_factory=dict)
    """By trait that was inferred: whether it is the card's level."""
    helps: tuple[bool, ...] = ()
    """For each sentence of the card's `what_helps`: whether one of the inferred needs meets it."""
    hurts: tuple[bool, ...] = ()
    """For each sentence of the card's `what_hurts`: whether it is among what was to be avoided."""


class Effect(Record):
    """What a reply did, as the seeker's next turn tells."""

    rating: int | None
    """What the seeker gave it, 1 to 5."""
    before: int | None
    after: int | None
    """How strong the seeker's feeling was when they spoke before it and after it, 1 to 5."""


class TurnView(Record):
    """A turn and what follows from it."""

    turn: Turn
    effect: Effect | None
    """Of its reply; None where there is none, where nobody spoke after it, and in a replay."""
    judged: tuple[Verdict, ...]
    """Verdicts of models and of people in the arena; annotations stand by themselves."""
    annotations: dict[str, Annotation]
    """By who made them."""
    diff: tuple[Word, ...]
    """Draft against refinement; empty where one of them is missing."""
    inference: Inference | None
    heard: int
    """Public lines before and with the seeker's words."""
    can_fork: str
    """Why it cannot be forked; empty where it can."""


class Branch(Record):
    """A branch of a dialogue."""

    index: int
    id: str
    turn: int
    """Where it was forked."""
    change: str
    """What was changed, in words."""
    status: Status
    stop_reason: StopReason | None
    outcome: Outcome


class DialoguePage(Record):
    """A dialogue with all that was said and thought."""

    card: DialogueCard
    persona: Persona
    error: str | None
    turns: tuple[TurnView, ...]
    recorded: tuple[Utterance, ...] | None
    """Replay: the recorded lines that its turns answer, instead of what the models replied."""
    verdicts: tuple[Verdict, ...]
    """Of the whole dialogue."""
    fork: Fork | None
    changed: str
    """For a branch, what was changed, in words."""
    branches: tuple[Branch, ...]
    problem: str = ""
    """For a branch, why its run stopped before its end."""


# ---- replies of a run ---------------------------------------------------------------------------


class ReplyCard(Record):
    """A reply in a list."""

    dialogue: int
    turn: int
    name: str
    """The persona's name, or their id."""
    emotion: Emotion
    """The card's."""
    strategy: Strategy | None
    text: str
    """What was spoken; in a replay, what the models replied."""
    said: str
    """The seeker's words before it."""
    effect: Effect | None
    set_aside: bool
    annotations: dict[str, Annotation]
    """By who made them."""


class ReplyList(Record):
    """A page of a run's replies, branches left out."""

    rows: tuple[ReplyCard, ...]
    total: int
    """That fit the filters."""
    offset: int


# ---- one turn on its graph ----------------------------------------------------------------------

NodeStatus = Literal["done", "set aside", "failed", "given", "kept", "not reached"]
"""In branches, `given`: a person's answer stood there; `kept`: its answers are the origin's."""


class CallView(Record):
    """One model call."""

    attempt: int
    about: str = ""
    model: str
    """`person` where an answer was given by hand."""
    prompt_version: str
    seed: Annotated[str, Field(coerce_numbers_to_str=True)]
    """A number, as text: JavaScript would round it."""
    request_hash: str
    messages: tuple[dict[str, str], ...]
    """The exact rendered prompt: `role` and `content`."""
    text: str | None
    """The raw answer; None where none came."""
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    cut: bool
    tries: int
    """Requests sent for it; 0 where it was taken from the origin of a branch or given by hand."""
    latency_ms: float | None
    error: str | None


class Step(Record):
    """What one node did in a turn, in the sequence of the turn."""

    node: str
    status: NodeStatus
    reason: str = ""
    """Why it was set aside or failed."""
    calls: tuple[CallView, ...] = ()
    parsed: Any = None
    """What it put into the turn: a plan, a reply, a reflection, … as JSON."""
    latency_ms: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class TurnPage(Record):
    """A turn on its graph."""

    view: TurnView
    graph: GraphView
    steps: tuple[Step, ...]
    """Every node but the start and the end, those that were reached first."""
    taken: tuple[tuple[str, str], ...]
    """The edges that this turn took."""
    judges: tuple[CallView, ...] = ()
    """What judges were asked about this turn."""
    last: int
    """The number of the dialogue's last turn."""


# ---- two of a kind ------------------------------------------------------------------------------


class Pairing(Record):
    """Two dialogues of two runs, with one persona."""

    a: DialogueCard
    b: DialogueCard
    first_difference: int | None
    """The first turn that differs in what was said; None where none does."""


class RunComparison(Record):
    """Two runs, dialogue by dialogue: those of one persona, in the sequence of the first run."""

    a: RunPage
    b: RunPage
    rows: tuple[Pairing, ...]
    total: int
    only_a: int
    only_b: int
    """Dialogues without a counterpart."""
    offset: int


class Aligned(Record):
    """Turns of the same number."""

    number: int
    a: TurnView | None
    b: TurnView | None
    same: bool
    """Whether all that was said and thought is equal."""
    seeker: tuple[Word, ...]
    """The seeker's words, a against b; empty where one side has none."""
    reply: tuple[Word, ...]


class Side(Record):
    """One of two dialogues."""

    run: str
    run_name: str
    card: DialogueCard
    fork: Fork | None


class DialogueComparison(Record):
    """Two dialogues, turn by turn."""

    a: Side
    b: Side
    turns: tuple[Aligned, ...]


# ---- what can be changed ------------------------------------------------------------------------


class Settings(Record):
    """What a run was made with, or a branch of it, and what a fork may change."""

    roles: tuple[str, ...]
    """That take part."""
    models: dict[str, str]
    """Spec by role."""
    prompts: dict[str, str]
    """The text of each role's prompt file, by role."""
    strategies: tuple[str, ...]
    stages: tuple[str, ...]
    emotions: tuple[str, ...]
    error_types: dict[str, str]
    """Psychological errors, each with what it means."""
    config: str
    """The run's configuration as TOML."""
    held: bool = False
    """Whether another process runs the run now: nothing can be forked then."""


class Forked(Record):
    """A branch that has begun."""

    index: int
    id: str


class News(Record):
    """Something has changed; a page asks anew for what it shows."""

    run: str
    revision: int
    """Counts changes; the same number, the same content."""
    dialogues: tuple[int, ...] = ()
    """Which; empty where too many to name."""
    card: RunCard


class Api(Record):
    """Every record that a page may get or send; only here so that one schema holds them all."""

    refusal: Refusal
    runs: Runs
    run: RunPage
    graph: GraphPage
    strategies: StrategyPage
    settings: Settings
    dialogues: DialogueList
    replies: ReplyList
    dialogue: DialoguePage
    turn: TurnPage
    compare_runs: RunComparison
    compare_dialogues: DialogueComparison
    news: News
    annotation: Annotation
    change: Change
    forked: Forked
