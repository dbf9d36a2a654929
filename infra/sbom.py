"""What the binaries are made of, in CycloneDX 1.6 (JSON): each crate with its licence, its checksum and what it depends on.

`cargo tree` knows the crates as the build selects them, and `Cargo.lock` their checksums. What only builds, tests or expands macros is in no
binary, and not here.
"""

import json
import re
import subprocess
import sys
import tomllib
import uuid
from urllib.parse import quote

from archive import ROOT, version

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/tokensmith")
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def of_packages(packages, target):
    """The document of what is built of these packages together. It depends on nothing else: it has no time, and its serial number is a
    hash."""
    licences, edges = crates_of(packages, target)
    locked = {(each["name"], each["version"]): each for each in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    product = {"type": "application", "bom-ref": "tokensmith", "name": "tokensmith", "version": version()}
    metadata = {"component": product, "properties": [{"name": "rust:target", "value": target}]}
    components = [component(crate, licence, locked[crate]) for crate, licence in sorted(licences.items())]
    roots = [reference(crate) for crate in sorted(licences) if crate[0] in packages]
    dependencies = [{"ref": "tokensmith", "dependsOn": roots}]
    dependencies += [{"ref": reference(crate), "dependsOn": sorted(map(reference, edges[crate]))} for crate in sorted(edges)]
    body = {"metadata": metadata, "components": components, "dependencies": dependencies}
    serial = uuid.uuid5(NAMESPACE, json.dumps(body, sort_keys=True)).urn
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": serial, "version": 1}
    return (json.dumps({**head, **body}, indent=1) + "\n").encode()


def crates_of(packages, target):
    """The licence of each crate, by name and version, and the crates that it links."""
    licences, edges, above = {}, {}, []
    for line in cargo_tree(packages, target).splitlines():
        found = re.match(r"(\d+)(\S+) v(\S+)[^|]*\|(.*?)(?: \(\*\))?$", line)
        if found:
            depth, crate = int(found[1]), (found[2], found[3])
            licences[crate] = found[4]
            edges.setdefault(crate, set())
            above[depth:] = [crate]
            if depth:
                edges[above[depth - 1]].add(crate)
    return licences, edges


def cargo_tree(packages, target):
    command = ["cargo", "tree", "--locked", "--target", target, "--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", "{p}|{l}"]
    command += [f"--package={package}" for package in packages]
    try:
        return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: cargo cannot say what the binaries are made of: {error}")


def component(crate, licence, locked):
    found = {"type": "library", "bom-ref": reference(crate), "name": crate[0], "version": crate[1]}
    if licence:
        # Old crates have a slash where SPDX has OR.
        found["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", licence)}]
    # Our own crates are not published: nobody should look for them there.
    if locked.get("source") == REGISTRY:
        found["purl"] = reference(crate)
        found["hashes"] = [{"alg": "SHA-256", "content": locked["checksum"]}]
    return found


def reference(crate):
    """The package URL."""
    return f"pkg:cargo/{crate[0]}@{quote(crate[1], safe='')}"
