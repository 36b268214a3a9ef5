"""What is wrong with a value, in plain words, whatever record it is for."""

from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

from attunement.agents.reading import explain
from attunement.core.records import Change, Persona, Record, SeekerTurn
from attunement.simulator.annotating import Annotation


class Odd(Record):
    """Bounds that other records do not have."""

    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    sure: bool = False
    steps: Annotated[tuple[str, ...], Field(min_length=1)] = ("one",)


@pytest.mark.parametrize(
    ("record", "value", "said"),
    [
        (Change, {"reply": {"text": "  "}}, "`reply.text`: must not be empty"),
        (Change, {"seed": -1}, "`seed`: must be at least 0, got '-1'"),
        (Change, {"seed": "x"}, "`seed`: must be a whole number, got 'x'"),
        (Change, {"models": ["x"]}, "`models`: must be names with values"),
        (Odd, {"share": 0}, "`share`: must be more than 0, got '0'"),
        (Odd, {"share": 1}, "`share`: must be less than 1, got '1'"),
        (Odd, {"share": "half"}, "`share`: must be a number, got 'half'"),
        (Odd, {"sure": "perhaps"}, "`sure`: must be true or false, got 'perhaps'"),
        (Odd, {"steps": "one"}, "`steps`: must be a list, got 'one'"),
        (Odd, {"steps": []}, "`steps`: must have at least 1 item after validation, not 0"),
        (Odd, {"pace": 1}, "`pace`: there is no such name"),
        (Odd, [], "must be names with values"),
        (SeekerTurn, {"text": 7}, "`text`: must be text, got '7'"),
        (SeekerTurn, {"text": "x", "rating": 6}, "`rating`: must be at most 5, got '6'"),
        (SeekerTurn, {}, "`text`: is missing"),
        (Annotation, {"label": "great"}, "`label`: must be 'good' or 'bad', got 'great'"),
        (Annotation, {"note": "x" * 5000}, "`note`: must be at most 4,000 characters, got 5,000"),
    ],
)
def test_what_is_wrong_is_said_plainly(record: type[Record], value: Any, said: str):
    assert told(record, value) == said


def told(record: type[Record], value: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        record.model_validate(value)
    return explain(caught.value)


def test_a_value_that_the_sentence_names_is_not_named_again():
    said = told(Change, {"plan": {"strategy": "hug"}})
    assert said.startswith("`plan.strategy`: unknown strategy 'hug'; known: Question, ")
    assert said.count("hug") == 1


def test_a_wrong_name_of_an_entry_is_told_from_a_wrong_value():
    said = told(Change, {"models": {"chef": "x"}})
    assert said.startswith("`models`: a name in it must be 'seeker', 'guard'")
    assert said.endswith("or 'judge', got 'chef'")


def test_broken_json_is_called_so():
    with pytest.raises(ValidationError) as caught:
        Annotation.model_validate_json("x")
    assert explain(caught.value).startswith("no JSON: expected value at line 1")


def test_at_most_four_things_are_named():
    assert told(Persona, {}).count("is missing") == 4
