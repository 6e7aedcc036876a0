"""Validation of JSON documents against the schemas that the package publishes."""

from __future__ import annotations

import json
from importlib.resources import files

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

SCHEMAS = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in files("scyllamodel.schemas").iterdir()
    if path.name.endswith(".schema.json")
}
_REGISTRY = Registry().with_resources((schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values())


def faults(document):
    """The violations of the schema for its kind, as texts; each document of a list is checked."""
    values = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in Draft202012Validator(SCHEMAS[document["kind"]], registry=_REGISTRY).iter_errors(document)
    ]
    items = document["items"] if document["kind"] == "list" else []
    return values + [fault for item in items for fault in faults(item["answer"])]


def document_in(text):
    """The single JSON document in a text, which must conform to its schema."""
    document = json.loads(text)

    assert [] == faults(document)
    return document
