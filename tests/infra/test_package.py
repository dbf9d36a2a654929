"""What `infra/package` makes, and what `infra/deploy --code ARCHIVE` takes and refuses."""

import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import tomllib
import zipfile
from pathlib import Path

import cyclonedx
import pytest
import requests
from jsonschema import Draft7Validator
from referencing import Registry, Resource

import archive
import package
from deploy import own_architecture
from stack import ROOT

SCHEMAS = Path(cyclonedx.__file__).parent / "schema" / "_res"
ELF = {"arm64": b"\x7fELF\x02\x01\x01" + bytes(11) + b"\xb7\0", "x86_64": b"\x7fELF\x02\x01\x01" + bytes(11) + b"\x3e\0"}
VERSION = archive.version()


def test_each_binary_of_an_archive_is_one_of_a_package():
    # cargo builds a binary of a package by the names of both.
    assert {"tokensmith-cli", "tokensmith-authorizer-function", "tokensmith-issue"} <= set(package.packages())
    assert len(set(package.packages())) == len(package.functions()) + 1


@pytest.fixture(scope="module")
def binaries(tmp_path_factory):
    """Binaries of each architecture, as far as an archive looks at them."""
    made = {}
    for architecture, head in ELF.items():
        made[architecture] = tmp_path_factory.mktemp(architecture)
        for name in [*package.functions(), package.COMMAND]:
            (made[architecture] / name).write_bytes(head + name.encode())
    return made


def run_package(*arguments, **environment):
    return subprocess.run([ROOT / "infra" / "package", *arguments], env={**os.environ, **environment}, capture_output=True, text=True)


@pytest.fixture(scope="module")
def archives(binaries, tmp_path_factory):
    """An archive of each architecture."""
    output = tmp_path_factory.mktemp("archives")
    for architecture, directory in binaries.items():
        done = run_package("--arch", architecture, "--binaries", directory, "--output", output)
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"{output}/tokensmith-{VERSION}-{architecture}.tar.gz\n"
    return {architecture: output / f"tokensmith-{VERSION}-{architecture}.tar.gz" for architecture in binaries}


def test_the_same_binaries_make_the_same_archive(binaries, archives, tmp_path):
    again = run_package("--arch", "x86_64", "--binaries", binaries["x86_64"], "--output", tmp_path)
    assert Path(again.stdout.strip()).read_bytes() == archives["x86_64"].read_bytes()


def test_an_archive_has_every_function_that_a_template_asks_for_and_the_command(archives, tmp_path):
    for architecture, path in archives.items():
        with tarfile.open(path) as tar:
            tar.extractall(tmp_path, filter="data")
        directory = tmp_path / f"tokensmith-{VERSION}-{architecture}"
        templates = [path.read_text() for path in (ROOT / "infra").glob("*.yaml")]
        # What is Python lies beside the templates.
        asked = {name for text in templates for name in re.findall(r"\$\{Revision\}/([\w-]+)\.zip", text)} - {"check", "publish"}
        assert {each.parent.name for each in directory.glob("*/bootstrap.zip")} == asked
        with zipfile.ZipFile(directory / "tokensmith-issue" / "bootstrap.zip") as zipped:
            (entry,) = zipped.infolist()
            assert (entry.filename, entry.external_attr >> 16) == ("bootstrap", 0o100755)
            assert zipped.read(entry) == ELF[architecture] + b"tokensmith-issue"
        assert (directory / "tokensmith").stat().st_mode & 0o777 == 0o755


def test_sha256sum_agrees_with_the_checksums(archives, tmp_path):
    for path in archives.values():
        subprocess.run(["sha256sum", "--check", f"{path.name}.sha256"], cwd=path.parent, check=True, capture_output=True)
        with tarfile.open(path) as tar:
            tar.extractall(tmp_path, filter="data")
        (directory,) = tmp_path.glob(f"*-{path.name.split('-')[-1].removesuffix('.tar.gz')}")
        subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=directory, check=True, capture_output=True)


def test_the_sbom_is_cyclonedx_and_lists_what_is_linked(archives):
    (document,) = (json.loads(content) for name, content in archive.read(archives["arm64"])[1].items() if name == "sbom.cdx.json")
    schemas = [json.loads((SCHEMAS / f"{name}.SNAPSHOT.schema.json").read_text()) for name in ("bom-1.6", "spdx", "jsf-0.82")]
    registry = Registry().with_resources((schema["$id"], Resource.from_contents(schema)) for schema in schemas)
    assert [error.message for error in Draft7Validator(schemas[0], registry=registry).iter_errors(document)] == []

    components = {each["name"]: each for each in document["components"]}
    built = {*package.functions(), "tokensmith-cli", "tokensmith-issuer", "lambda_runtime", "aws-sdk-dynamodb", "aws-lc-sys", "dynoxide-rs"}
    only_tested, only_building = {"proptest", "stateright", "axum", "tokensmith-tests"}, {"cc", "syn", "serde_derive"}
    assert built <= components.keys() and not components.keys() & (only_tested | only_building)
    locked = {(each["name"], each["version"]) for each in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    assert {(each["name"], each["version"]) for each in document["components"]} <= locked
    # Whatever comes from a registry can be found and compared there.
    strangers = [each for each in document["components"] if not each["name"].startswith("tokensmith")]
    assert strangers and all(each["purl"] and each["hashes"] and each["licenses"] for each in strangers)
    depends = {each["ref"]: each["dependsOn"] for each in document["dependencies"]}
    assert depends.keys() == {"tokensmith", *(each["bom-ref"] for each in document["components"])}
    assert f"pkg:cargo/tokensmith-issue@{VERSION}" in depends["tokensmith"]
    assert f"pkg:cargo/tokensmith-issuer@{VERSION}" in depends[f"pkg:cargo/tokensmith-issue@{VERSION}"]


def test_what_is_missing_to_build_is_said(binaries, tmp_path):
    """A rustc that has the target of no other machine."""
    rustc = tmp_path / "rustc"
    rustc.write_text('#!/bin/sh\ncase "$4" in x86_64*) echo /;; *) echo /nowhere;; esac\n')
    rustc.chmod(0o755)
    done = run_package("--arch", "arm64", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: arm64 needs Rust's standard library for aarch64-unknown-linux-gnu: `rustup target add")
    rustc.write_text("#!/bin/sh\necho /nowhere\n")
    done = run_package(PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "left out: arm64" in done.stderr and "left out: x86_64" in done.stderr
    assert done.stderr.endswith("error: there is nothing to build for\n")


def test_a_build_that_fails_is_said_in_one_sentence(tmp_path):
    tools = {"cargo": "exit 1", "rustc": "echo /"}
    for name, does in tools.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    done = run_package("--arch", "x86_64", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("error: the functions could not be built") and "Traceback" not in done.stderr


def test_a_place_that_cannot_be_written_is_said_in_one_sentence(binaries, tmp_path):
    (tmp_path / "file").touch()
    done = run_package("--arch", "x86_64", "--binaries", binaries["x86_64"], "--output", tmp_path / "file")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {tmp_path}/file: File exists\n"


def test_binaries_for_another_processor_are_not_packaged(binaries, tmp_path):
    done = run_package("--arch", "arm64", "--binaries", binaries["x86_64"], "--output", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: \S+ is for x86_64, and not for arm64\n", done.stderr)
    assert not list(tmp_path.iterdir())


def changed(path, change, directory=None):
    """An archive whose files `change` has changed, with the checksums that it had."""
    with tarfile.open(path) as tar:
        files = {entry.name.partition("/")[2]: tar.extractfile(entry).read() for entry in tar}
        directory = directory or tar.getnames()[0].split("/")[0]
    change(files)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{directory}/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def with_sums(files):
    del files["SHA256SUMS"]
    files["SHA256SUMS"] = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()).encode()


ISSUE = "tokensmith-issue/bootstrap.zip"


def foreign_function(files):
    files[ISSUE] = archive.zipped("bootstrap", ELF["arm64"], 0o755)
    with_sums(files)


def with_changed_bytes(path):
    """In the middle is other data, which may be read as something else, or not at all."""
    content, middle = path.read_bytes(), path.stat().st_size // 2
    return content[:middle] + b"\xff" * 64 + content[middle + 64 :]


REFUSED = {
    "a damaged function": (lambda path: changed(path, lambda files: files.update({ISSUE: b"x"})), f"{ISSUE} is damaged"),
    "a function more": (lambda path: changed(path, lambda files: files.update({"x/bootstrap.zip": b"x"})), "x/bootstrap.zip has no checksum"),
    "a function that is gone": (lambda path: changed(path, lambda files: files.pop(ISSUE)), f"{ISSUE} is missing"),
    "no checksums": (lambda path: changed(path, lambda files: files.pop("SHA256SUMS")), "has no checksum in SHA256SUMS"),
    "another version": (lambda path: changed(path, dict, "tokensmith-0.0.1-x86_64"), f"it has the version 0.0.1, and the templates here are of {VERSION}"),
    "a function for another processor": (lambda path: changed(path, foreign_function), f"{ISSUE} is for arm64, and the archive for x86_64"),
    "something else": (lambda path: changed(path, dict, "tokensmith"), "this is not an archive of ./infra/package"),
    "a way out": (lambda path: changed(path, lambda files: files.update({"../x": b"x"})), "is nothing that an archive of ./infra/package has"),
    "half of it": (lambda path: path.read_bytes()[:-500], "it cannot be read"),
    "changed bytes": (with_changed_bytes, "it cannot be read|is damaged"),
    "no archive": (lambda path: gzip.compress(b"x"), "it cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_an_archive_is_refused_before_aws_is_asked_anything(archives, tmp_path, name):
    make, reason = REFUSED[name]
    path = tmp_path / "given.tar.gz"
    path.write_bytes(make(archives["x86_64"]))
    done = run_deploy("--code", path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {path}: ") and any(each in done.stderr for each in reason.split("|")) and done.stderr.count("\n") == 1


def run_deploy(*arguments):
    """`infra/deploy`, where nobody listens."""
    nowhere = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    return subprocess.run([ROOT / "infra" / "deploy", *arguments], env={**os.environ, **nowhere}, capture_output=True, text=True)


def test_an_archive_is_deployed_without_rust(archived, emulator):
    keys = requests.get(emulator.api(archived["Api"]) + "/.well-known/jwks.json")
    assert keys.status_code == 200 and keys.json()["keys"]


def test_code_for_another_processor_is_refused_before_a_function_is_changed(archives, run_deploy, emulator):
    other = "x86_64" if own_architecture() == "arm64" else "arm64"
    done = run_deploy("--stack", "elsewhere", "--code", archives[other])
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert re.search(rf"error: \S+ is for {other}, and the stack for {own_architecture()}: deploy with Architecture={other}", done.stderr)
    stacks = emulator.client("cloudformation").list_stacks()["StackSummaries"]
    assert not any(stack["StackName"].startswith("elsewhere") for stack in stacks)
