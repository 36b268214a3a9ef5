"""The journal's tables (SQLAlchemy Core), and its version."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

VERSION = 4
"""Version of the journal's layout. A journal of another version is refused."""

METADATA = MetaData()

META = Table(
    "meta",
    METADATA,
    Column("key", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)
PROMPTS = Table(
    "prompts",
    METADATA,
    Column("role", String(20), primary_key=True),
    Column("version", String(12), nullable=False),
    Column("text", Text, nullable=False),
)
PERSONAS = Table(
    "personas",
    METADATA,
    Column("position", Integer, primary_key=True),
    Column("card", Text, nullable=False),
)
DIALOGUES = Table(
    "dialogues",
    METADATA,
    Column("idx", Integer, primary_key=True),
    Column("id", String(100), nullable=False, unique=True),
    Column("persona", Integer, ForeignKey("personas.position"), nullable=False),
    Column("recorded", Text),
    Column("status", String(10), nullable=False),
    Column("stop_reason", String(20)),
    Column("outcome", Text),
    Column("error", Text),
    Column("origin", Integer, ForeignKey("dialogues.idx")),
    Column("forked_at", Integer),
    Column("change", Text),
    Index("dialogues_by_status", "status", "idx"),
)
"""`status`: `open`, `done` or `failed`. `recorded`: a recorded dialogue's lines, for replay.
`origin`, `forked_at` and `change` (a `Change`) say of a branch where it comes from. Its turns
before `forked_at` are copies of the origin's; its calls begin there."""
TURNS = Table(
    "turns",
    METADATA,
    Column("key", Integer, primary_key=True),
    Column("dialogue", Integer, ForeignKey("dialogues.idx"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("record", Text, nullable=False),
    UniqueConstraint("dialogue", "number"),
)
CALLS = Table(
    "calls",
    METADATA,
    Column("key", Integer, primary_key=True),
    Column("dialogue", Integer, ForeignKey("dialogues.idx"), nullable=False),
    Column("turn", Integer, nullable=False),
    Column("role", String(12), nullable=False),
    Column("about", String(240), nullable=False, server_default=""),
    Column("attempt", Integer, nullable=False),
    Column("model", String(200), nullable=False),
    Column("prompt_version", String(12), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("request_hash", String(32), nullable=False),
    Column("delta", Text, nullable=False),
    Column("text", Text),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("cached_tokens", Integer),
    Column("cut", Boolean, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("latency_ms", Float),
    Column("error", Text),
    UniqueConstraint("dialogue", "turn", "role", "about", "attempt"),
)
"""One row a model call. `about` tells apart what a role is asked several times a turn, as a judge
is; else it is empty. `delta` is what the messages change against the call before it in this
dialogue, by the same role about the same (see `delta.py`); before the first one stands the role's
prompt file with the placeholders in it. So the journal grows with the turns, not with their square.
"""
VERDICTS = Table(
    "verdicts",
    METADATA,
    Column("key", Integer, primary_key=True),
    Column("dialogue", Integer, ForeignKey("dialogues.idx"), nullable=False),
    Column("turn", Integer, nullable=False),
    Column("about", String(10), nullable=False),
    Column("name", String(40), nullable=False),
    Column("judge", String(200), nullable=False),
    Column("round", Integer, nullable=False),
    Column("label", String(40), nullable=False),
    Column("value", Float),
    Column("reason", Text, nullable=False),
    UniqueConstraint("dialogue", "turn", "about", "name", "judge", "label"),
)
"""One row a `Verdict`. `about` is the side that was judged; `label` is empty where a verdict has
none. `round` counts how often the judge was asked anew, where its answer could not be read."""
