"""As much of the command `jq` as docs/federation.md and docs/delegation.md use: it prints one member of an object, with -j without the end of the line, and
nothing of nothing."""

import json
import sys

option, path = sys.argv[1:]
if text := sys.stdin.read():
    value = json.loads(text)[path.removeprefix(".")]
    sys.stdout.write(value if option == "-j" else f"{value}\n")
