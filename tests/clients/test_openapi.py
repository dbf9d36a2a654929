"""docs/openapi.yaml describes the endpoints that there are, and is what it says: OpenAPI 3.1."""

import tomllib

import jsonschema
import pytest
import requests
from openapi_spec_validator import OpenAPIV31SpecValidator

from conftest import ISSUER
from openapi import ROOT, document, is_served, operations, paths_in_the_code, resolved

DOCUMENT = document()


def examples(media):
    """Those of a request or an answer."""
    if "example" in media:
        yield media["example"]
    for example in media.get("examples", {}).values():
        yield example["value"]


def described():
    """Each body that is described, with what describes it."""
    for path, methods in operations(DOCUMENT).items():
        for method in methods:
            operation = DOCUMENT["paths"][path][method]
            bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
            for name, body in bodies.items():
                for media in resolved(DOCUMENT, body).get("content", {}).values():
                    yield pytest.param(media, id=f"{method} {path} {name}")


def test_it_is_openapi_3_1_of_this_version():
    OpenAPIV31SpecValidator(DOCUMENT).validate()
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text())
    assert DOCUMENT["info"]["version"] == cargo["workspace"]["package"]["version"]


def test_it_has_the_paths_of_the_code_and_no_others():
    assert sorted(DOCUMENT["paths"]) == sorted(paths_in_the_code())


@pytest.mark.parametrize("path", [path for path in DOCUMENT["paths"] if is_served(DOCUMENT, path)])
def test_it_has_the_methods_of_each_endpoint_and_no_others(path):
    """RFC 9110 §10.2.1: `Allow` lists them."""
    answer = requests.request("BREW", ISSUER + path)
    assert answer.status_code == 405
    allowed = answer.headers["Allow"].split(", ")
    assert sorted(method.upper() for method in operations(DOCUMENT)[path]) == sorted(allowed)


def test_it_has_a_form_for_each_grant_type_and_no_others(metadata):
    """The metadata list every grant type that the code has."""
    request = DOCUMENT["components"]["schemas"]["TokenRequest"]
    forms = request["discriminator"]["mapping"]
    assert sorted(forms) == sorted(metadata["grant_types_supported"])
    assert sorted(forms.values()) == sorted(form["$ref"] for form in request["oneOf"])
    for grant_type, form in forms.items():
        properties = resolved(DOCUMENT, {"$ref": form})["properties"]
        assert properties["grant_type"] == {"const": grant_type}


@pytest.mark.parametrize("media", list(described()))
def test_each_body_has_examples_which_its_schema_allows(media):
    schema = {**media["schema"], "components": DOCUMENT["components"]}
    validator = jsonschema.Draft202012Validator(schema)
    values = list(examples(media))
    assert values
    for value in values:
        validator.validate(value)


@pytest.mark.parametrize("name", list(DOCUMENT["components"]["schemas"]))
def test_each_member_that_must_be_there_is_described(name):
    schema = DOCUMENT["components"]["schemas"][name]
    assert set(schema.get("required", [])) <= set(schema.get("properties", {}))


def test_the_metadata_are_those_of_the_example(metadata):
    path = "/.well-known/oauth-authorization-server"
    answer = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    (example,) = examples(answer)
    issuer = example["issuer"]

    def here(value):
        return value.replace(issuer, ISSUER) if isinstance(value, str) else value

    assert {name: here(value) for name, value in example.items()} == metadata
