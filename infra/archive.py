"""The archive of a version for one architecture: `tokensmith-VERSION-ARCH.tar.gz`.

In it is one directory of that name, with `FUNCTION/bootstrap.zip` for each function, the command `tokensmith`, `sbom.cdx.json`, the licences,
and `SHA256SUMS` of all of them.
"""

import gzip
import hashlib
import io
import re
import struct
import tarfile
import tomllib
import zipfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUMS = "SHA256SUMS"

# What Lambda calls an architecture, and what Rust calls it.
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
# What an ELF file calls it: e_machine.
ELF_MACHINES = {183: "arm64", 62: "x86_64"}


def version():
    return tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]


def name(architecture):
    return f"tokensmith-{version()}-{architecture}"


def zipped(name, content, mode):
    """A zip of one file, which is the same whenever and wherever it is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
        entry.create_system, entry.external_attr = 3, (0o100000 | mode) << 16
        made.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def packed(directory, files, executable):
    """The archive's bytes, which depend on nothing but the arguments: names are in order, times and owners are none."""
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    buffer = io.BytesIO()
    # The file's name and time would be in gzip's header.
    with gzip.GzipFile("", "wb", compresslevel=6, mtime=0, fileobj=buffer) as compressed:
        with tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name, content in sorted({**files, SUMS: sums.encode()}.items()):
                entry = tarfile.TarInfo(f"{directory}/{name}")
                entry.size, entry.mode = len(content), 0o755 if name in executable else 0o644
                tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


class Refused(Exception):
    """Why an archive is not deployed."""


def unpacked(path, into):
    """Unpacks an archive below `into`, and returns its directory there. Nothing is unpacked that is damaged or of another version."""
    directory, files = read(path)
    named = re.fullmatch(rf"tokensmith-(.+)-({'|'.join(TARGETS)})", directory)
    if not named:
        raise Refused(f"this is not an archive of ./infra/package: it has the directory {directory}")
    if named[1] != version():
        raise Refused(f"it has the version {named[1]}, and the templates here are of {version()}: check out the tag v{named[1]}, or take its archive")
    check_sums(files)
    check_architecture(files, named[2])
    for name, content in files.items():
        target = into / directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return into / directory


def read(path):
    """The name of the one directory in the archive, and its files."""
    files = {}
    try:
        with tarfile.open(path, "r:gz") as tar:
            for entry in tar:
                if not entry.isfile() or not re.fullmatch(r"[\w.-]+(/[\w.-]+){1,2}", entry.name) or ".." in entry.name:
                    raise Refused(f"{entry.name} is nothing that an archive of ./infra/package has")
                files[entry.name] = tar.extractfile(entry).read()
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise Refused(f"it cannot be read: {error}") from error
    directories = {name.split("/")[0] for name in files}
    if len(directories) != 1:
        raise Refused("this is not an archive of ./infra/package: it has not one directory")
    (directory,) = directories
    return directory, {name.removeprefix(f"{directory}/"): content for name, content in files.items()}


def check_sums(files):
    """Each file has the checksum that stands for it, and each has one."""
    lines = files.pop(SUMS, b"").decode(errors="replace").splitlines()
    expected = {name: checksum for checksum, _, name in (line.partition("  ") for line in lines)}
    for name in sorted(files.keys() | expected.keys()):
        if name not in files:
            raise Refused(f"{name} is missing")
        if name not in expected:
            raise Refused(f"{name} has no checksum in {SUMS}")
        if hashlib.sha256(files[name]).hexdigest() != expected[name]:
            raise Refused(f"{name} is damaged: it has another checksum than in {SUMS}")


def check_architecture(files, architecture):
    for name, content in files.items():
        if name.endswith("/bootstrap.zip"):
            found = architecture_of_zip(content)
            if found != architecture:
                raise Refused(f"{name} is for {found or 'no processor that Lambda has'}, and the archive for {architecture}")


def architecture_of_zip(content):
    """The architecture of a function's zip, or `None`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as read:
            return architecture_of(read.open("bootstrap").read(20))
    except (zipfile.BadZipFile, KeyError):
        return None


def architecture_of(binary):
    """The architecture of an ELF binary, or `None`."""
    if len(binary) < 20 or binary[:6] != b"\x7fELF\x02\x01":
        return None
    (machine,) = struct.unpack_from("<H", binary, 18)
    return ELF_MACHINES.get(machine)

