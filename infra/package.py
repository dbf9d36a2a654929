"""Makes an archive of every function and of the command, for each architecture that this machine can build for.

    ./infra/package
    ./infra/package --arch arm64 --output dist

It prints the archives' names. `./infra/deploy --code ARCHIVE` deploys one without Rust. The same binaries make the same archive, to the
byte.
"""

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

import archive
import sbom
from aws import plainly
from deploy import build, functions_of, packages_of_binaries

ROOT = archive.ROOT
TEMPLATES = [ROOT / "infra" / "template.yaml", ROOT / "infra" / "example-api.yaml"]
COMMAND = "tokensmith"


def main():
    options = parse_options()
    options.output.mkdir(parents=True, exist_ok=True)
    for architecture in [options.arch] if options.arch else buildable():
        binaries = options.binaries or built(architecture)
        print(package(architecture, binaries, options.output))


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", choices=archive.TARGETS, help="this architecture alone; every one that can be built otherwise")
    parser.add_argument("--output", type=Path, default=ROOT / "target" / "package", help="the directory for the archives")
    parser.add_argument("--binaries", type=Path, metavar="DIRECTORY", help="has the binaries that go into the archive; they are built otherwise")
    options = parser.parse_args()
    if options.binaries and not options.arch:
        parser.error("--binaries needs --arch: it says what the binaries are for")
    missing = missing_target(options.arch) if options.arch and not options.binaries else None
    if missing:
        sys.exit(f"error: {missing}")
    return options


def buildable():
    """The architectures whose target Rust has here. It says which it leaves out."""
    missing = {architecture: missing_target(architecture) for architecture in archive.TARGETS}
    for reason in filter(None, missing.values()):
        print(f"left out: {reason}", file=sys.stderr)
    found = [architecture for architecture, reason in missing.items() if reason is None]
    if not found:
        sys.exit("error: there is nothing to build for")
    return found


def missing_target(architecture):
    """What is missing to build for `architecture`, or `None`."""
    target = archive.TARGETS[architecture]
    try:
        printed = subprocess.run(
            ["rustc", "--print", "target-libdir", "--target", target], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except FileNotFoundError:
        sys.exit("error: there is no rustc: install Rust (https://rustup.rs), or deploy an archive that somebody else has made")
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: rustc does not know {target}: {error.stderr.strip()}")
    if Path(printed.stdout.strip()).is_dir():
        return None
    return f"{architecture} needs Rust's standard library for {target}: `rustup target add {target}`, or package on such a machine"


def built(architecture):
    """Builds for `architecture`, and returns the directory of the binaries."""
    # Cargo.toml says zip, whose bytes depend on the time.
    return build([*functions(), COMMAND], architecture, "binary")


def functions():
    """Every function that a template asks for."""
    return sorted({function for template in TEMPLATES for function in functions_of(template)})


def packages():
    """The packages of all that is in an archive."""
    of_binaries = packages_of_binaries()
    return [of_binaries[name] for name in [*functions(), COMMAND]]


def package(architecture, binaries, output):
    """Writes the archive and its checksum, and returns its path."""
    files = {f"{name}/bootstrap.zip": archive.zipped("bootstrap", binary(binaries, name, architecture), 0o755) for name in functions()}
    files[COMMAND] = binary(binaries, COMMAND, architecture)
    files["sbom.cdx.json"] = sbom.of_packages(packages(), archive.TARGETS[architecture])
    for licence in ("LICENSE-APACHE", "LICENSE-MIT"):
        files[licence] = (ROOT / licence).read_bytes()
    path = output / f"{archive.name(architecture)}.tar.gz"
    path.write_bytes(archive.packed(archive.name(architecture), files, executable={COMMAND}))
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{checksum}  {path.name}\n")
    return path


def binary(directory, name, architecture):
    """The bytes of a binary: cargo-lambda calls that of a function bootstrap, cargo what the crate says."""
    for path in (directory / name / "bootstrap", directory / name):
        if path.is_file():
            content = path.read_bytes()
            found = archive.architecture_of(content)
            if found != architecture:
                sys.exit(f"error: {path} is for {found or 'no processor that Lambda has'}, and not for {architecture}")
            return content
    sys.exit(f"error: there is no {directory / name}")


if __name__ == "__main__":
    plainly(main)
