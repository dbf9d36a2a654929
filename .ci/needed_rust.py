"""Prints the newest Rust that any of some packages needs, as far as they say: `cargo tree` lists them on standard input."""

import json
import subprocess
import sys


def main():
    wanted = {tuple(line.split()[:2]) for line in sys.stdin if line.strip()}
    command = ["cargo", "metadata", "--format-version=1", "--locked"]
    metadata = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    needed = [
        package["rust_version"]
        for package in metadata["packages"]
        if (package["name"], f"v{package['version']}") in wanted and package["rust_version"]
    ]
    newest = max([int(part) for part in version.split(".")][:2] for version in needed)
    print(".".join(map(str, newest)))


main()
