"""docs/openapi.yaml, as whoever generates a client finds it."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "openapi.yaml"

# The members of a path that are methods (OpenAPI 3.1 §4.8.9).
METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]


def document():
    return yaml.safe_load(DOCUMENT.read_text())


def operations(document):
    """Each path with the methods that are described for it."""
    return {path: [method for method in METHODS if method in item] for path, item in document["paths"].items()}


def is_served(document, path):
    """Whether an issuer serves it without being told to."""
    return not document["paths"][path].get("x-off-by-default", False)


def resolved(document, node):
    """What a reference leads to, or the node itself."""
    while "$ref" in node:
        where = node["$ref"].removeprefix("#/").split("/")
        node = document
        for step in where:
            node = node[step]
    return node


def paths_in_the_code():
    """The paths that the code knows, from the one table that has them."""
    table = (ROOT / "shared" / "verifier" / "src" / "paths.rs").read_text()
    return re.findall(r'const \w+: &str = "(/[^"]+)"', table)


def closed(document):
    """The same document with answers that have no other members than those it names: callers must accept more, and the
    issuer must not send what is not described."""

    def close(schema):
        schema = resolved(document, schema)
        if schema.get("type") == "object":
            schema["additionalProperties"] = False
        within = [schema["items"]] if "items" in schema else []
        for inner in [*within, *schema.get("properties", {}).values(), *schema.get("oneOf", [])]:
            close(inner)

    for path, methods in operations(document).items():
        for method in methods:
            for answer in document["paths"][path][method]["responses"].values():
                for media in resolved(document, answer).get("content", {}).values():
                    close(media["schema"])
    return document
