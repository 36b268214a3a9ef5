"""The journal's tables (SQLAlchemy Core), and its version."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

VERSION = 1
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
    Index("dialogues_by_status", "status", "idx"),
)
"""`status`: `open`, `done` or `failed`. `recorded`: a recorded dialogue's lines, for replay."""
TURNS = Table(
    "turns",
    METADATA,
    Column("dialogue", Integer, ForeignKey("dialogues.idx"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("record", Text, nullable=False),
    sqlite_with_rowid=False,
)
CALLS = Table(
    "calls",
    METADATA,
    Column("dialogue", Integer, ForeignKey("dialogues.idx"), primary_key=True),
    Column("turn", Integer, primary_key=True),
    Column("role", String(12), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("model", String(200), nullable=False),
    Column("prompt_version", String(12), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("request_hash", String(32), nullable=False),
    Column("head", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("tail", Integer, nullable=False),
    Column("text", Text),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("latency_ms", Float),
    Column("error", Text),
    sqlite_with_rowid=False,
)
"""One row a model call. Its messages, as JSON, are the first `head` characters of those of the
same role's call before it in this dialogue, then `body`, then the last `tail` characters of the
same: so the journal grows with the turns, not with their square."""
