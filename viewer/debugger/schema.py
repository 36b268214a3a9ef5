"""The JSON schema of all that pages get and send, from which TypeScript's types are made.

python -m attunement.viewer.debugger.schema > viewer/web/src/records.schema.json
"""

import json

from pydantic.json_schema import GenerateJsonSchema

from attunement.viewer.debugger.records import Api


class _Untitled(GenerateJsonSchema):
    """Without titles of fields, since each would become a type of its own; and a field with a
    default is always there."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def field_is_required(self, *_: object, **__: object) -> bool:
        return True


def schema_text() -> str:
    """The schema as JSON, with a line break at its end."""
    schema = Api.model_json_schema(mode="serialization", schema_generator=_Untitled)
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
