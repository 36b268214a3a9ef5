"""A record's JSON schema: portable, and true to the record."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from attunement.agents.models.schema import json_schema
from attunement.agents.planner import StagedPlan
from attunement.core.records import (
    Record,
    Reflection,
    Reply,
    Risky,
    SeekerTurn,
    Stage,
    Strategy,
)

ASKED_FOR = [StagedPlan, Reply, Reflection, Risky, SeekerTurn]


def nodes(node):
    """Every schema in a schema, without the mappings of field names."""
    yield node
    for field in node.get("properties", {}).values():
        yield from nodes(field)
    for branch in node.get("anyOf", []):
        yield from nodes(branch)
    if "items" in node:
        yield from nodes(node["items"])


@pytest.mark.parametrize("record", ASKED_FOR)
def test_only_words_that_every_engine_knows(record):
    known = {"type", "description", "enum", "const", "anyOf", "items", "properties", "required",
             "additionalProperties"}  # fmt: skip
    assert {word for node in nodes(json_schema(record)) for word in node} <= known


@pytest.mark.parametrize("record", ASKED_FOR)
def test_all_fields_are_required_and_no_others_allowed(record):
    schema = json_schema(record)
    # A confidence is never asked for, but may be given.
    fields = [name for name in record.model_fields if name != "emotion_confidence"]
    assert schema["required"] == fields
    for node in nodes(schema):
        if "properties" in node:
            assert node["required"] == list(node["properties"])
            assert node["additionalProperties"] is False


def test_references_are_put_in_place():
    fields = json_schema(StagedPlan)["properties"]
    assert fields["stage"]["enum"] == [stage.value for stage in Stage]
    assert fields["strategy"]["enum"] == [strategy.value for strategy in Strategy]


def test_what_may_be_null_stays_so():
    emotion = json_schema(SeekerTurn)["properties"]["emotion"]
    assert [branch["type"] for branch in emotion["anyOf"]] == ["string", "null"]


def test_a_short_range_of_whole_numbers_is_listed():
    assert json_schema(Reflection)["properties"]["intensity"]["enum"] == [1, 2, 3, 4, 5]


class Odd(Record):
    title: str = Field(default="x", min_length=3, pattern="^a")
    default: Annotated[int, Field(ge=0, le=10_000)] = 0
    kind: Literal["only"] = "only"


def test_fields_may_be_named_like_words_of_the_schema():
    schema = json_schema(Odd)
    assert schema["required"] == ["title", "default", "kind"]
    assert schema["properties"]["title"] == {"type": "string"}
    assert schema["properties"]["default"] == {"type": "integer", "minimum": 0, "maximum": 10_000}
    assert schema["properties"]["kind"]["const"] == "only"


class Nested(Record):
    inner: "Nested | None" = None


def test_a_record_that_holds_itself_is_refused():
    with pytest.raises(ValueError, match="`Nested` holds itself"):
        json_schema(Nested)
