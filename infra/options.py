"""What one says to ./deploy and ./preflight, on the command line and in the file of a stage."""

import argparse
import json
import os
import re
import sys
from pathlib import Path

INFRA = Path(__file__).resolve().parent
TEMPLATE = INFRA / "template.yaml"
DATA_TEMPLATE = INFRA / "data.yaml"
STAGES = INFRA / "stages"

# What a stage's file may have, and of which type.
STAGE = {"account": str, "region": str, "stack": str, "parameters": dict, "tags": dict}


def common(parser):
    """What both scripts take."""
    parser.add_argument("--stage", metavar="NAME", help="takes account, region, stack, parameters and tags from infra/stages/NAME.json")
    parser.add_argument("--stack", help="the stack's name, and the prefix of its functions; tokensmith unless given")
    parser.add_argument("--template", type=Path, default=TEMPLATE, help="another template, whose stack is tokensmith-NAME")
    parser.add_argument("--of", metavar="STACK", help="gives parameters the values of this stack's outputs of the same name")
    parser.add_argument("--account", metavar="ID", help="the account that it must be")
    parser.add_argument("--endpoint-url", default=os.environ.get("AWS_ENDPOINT_URL"), help="an emulator instead of AWS")
    parser.add_argument("parameters", nargs="*", type=pair, default=[], metavar="PARAMETER=VALUE")


def parsed(parser):
    """What the command line and the stage's file say together; the command line goes before."""
    options = parser.parse_args()
    stage = stage_of(options.stage) if options.stage else {}
    if "region" in stage:
        chosen = os.environ.setdefault("AWS_REGION", stage["region"])
        if chosen != stage["region"]:
            sys.exit(f"error: AWS_REGION is {chosen}, and the stage {options.stage} is in {stage['region']}: nothing was changed")
    options.account = options.account or stage.get("account")
    options.stack = options.stack or stage.get("stack") or default_stack(options.template)
    options.parameters = {**texts(stage.get("parameters", {})), **dict(options.parameters)}
    options.tags = {**texts(stage.get("tags", {})), **dict(getattr(options, "tags", []))}
    if not options.template.is_file():
        sys.exit(f"error: there is no template {options.template}")
    return options


def stage_of(name):
    path = STAGES / f"{name}.json"
    if not path.is_file():
        there = ", ".join(sorted(each.stem for each in STAGES.glob("*.json")))
        sys.exit(f"error: there is no {path}; there are {there or 'none'}")
    try:
        stage = json.loads(path.read_text())
    except ValueError as error:
        sys.exit(f"error: {path} is not JSON: {error}")
    if not isinstance(stage, dict):
        sys.exit(f"error: {path} is not an object")
    for name, value in stage.items():
        if name not in STAGE:
            sys.exit(f"error: {path} has {name}, and may have {', '.join(STAGE)}")
        if not isinstance(value, STAGE[name]):
            sys.exit(f"error: in {path}, {name} must be {'an object' if STAGE[name] is dict else 'a string'}")
    return stage


def texts(values):
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def default_stack(template):
    return "tokensmith" if template.resolve() == TEMPLATE else f"tokensmith-{template.stem}"


def pair(text):
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"\S+", name):
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE")
    return name, value
