"""Secret scanners, as far as docs/secret-scanning uses them. Their makers publish them in none of the registries that the tests install from, so the rules run
on the engines that have the same dialect of regular expressions: RE2 for gitleaks and TruffleHog, Hyperscan for GitHub. What else decides there whether
something is a finding is done here as in the sources of gitleaks 8 and TruffleHog 3, and in GitHub's reference of custom patterns."""

import math
import re
import tomllib
from collections import Counter

import hyperscan
import re2
import yaml

from openapi import ROOT

RULES = ROOT / "docs" / "secret-scanning"


def entropy(text):
    """Shannon's, in bits for each character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def only(allowed, table):
    """The scanners ignore a key that they do not know, and with it what it was to say."""
    assert set(table) <= set(allowed), table
    return table


class Gitleaks:
    """A configuration of gitleaks: https://github.com/gitleaks/gitleaks, detect/detect.go."""

    def __init__(self):
        config = only({"title", "extend", "rules"}, tomllib.loads((RULES / "gitleaks.toml").read_text()))
        keys = {"id", "description", "regex", "secretGroup", "entropy", "keywords"}
        self.rules = [only(keys, rule) for rule in config["rules"]]

    def findings(self, text):
        for rule in self.rules:
            if not any(keyword.lower() in text.lower() for keyword in rule["keywords"]):
                continue
            regex = re2.compile(rule["regex"])
            for match in regex.finditer(text):
                # The rule is matched once more, on the match alone and without line breaks around it.
                again = regex.search(match.group().strip("\n"))
                if again and entropy(again.group(rule["secretGroup"])) > rule["entropy"]:
                    yield again.group(rule["secretGroup"])


class TruffleHog:
    """Custom detectors of TruffleHog: https://github.com/trufflesecurity/trufflehog, pkg/custom_detectors."""

    def __init__(self):
        config = only({"detectors"}, yaml.safe_load((RULES / "trufflehog.yaml").read_text()))
        keys = {"name", "keywords", "regex", "entropy"}
        self.detectors = [only(keys, detector) for detector in config["detectors"]]

    def findings(self, text):
        for detector in self.detectors:
            if not any(keyword.lower() in text.lower() for keyword in detector["keywords"]):
                continue
            (regex,) = detector["regex"].values()
            for match in re2.compile(regex).finditer(text):
                if entropy(match.group(1)) >= detector["entropy"]:
                    yield match.group(1)


class GitHub:
    """Custom patterns of GitHub secret scanning, which Hyperscan matches without any of its options."""

    def __init__(self):
        blocks = re.findall(r"```\n(.+?)```", (RULES / "github.md").read_text(), re.DOTALL)
        self.patterns = [dict(re.split(r": +", line, maxsplit=1) for line in block.splitlines()) for block in blocks]

    def findings(self, text):
        text = text.encode()
        for pattern in self.patterns:
            before, secret, after = (pattern[field] for field in ("Before secret", "Secret format", "After secret"))
            around = {end for _, end in spans(f"(?:{before})(?:{secret})(?:{after})", text, with_starts=False)}
            for start, end in spans(secret, text):
                # What follows the secret is a byte, or the end.
                if around.isdisjoint({end + 1} if end < len(text) else {end}):
                    continue
                found = text[start:end]
                if spans(pattern["Secret must match"], found) and not spans(pattern["Secret must not match"], found):
                    yield found.decode()


def spans(expression, text, with_starts=True):
    """Where a regular expression of Hyperscan matches. It can say where a match starts only if the expression is small enough for that."""
    database, found = hyperscan.Database(), []
    database.compile(expressions=[expression.encode()], flags=[hyperscan.HS_FLAG_SOM_LEFTMOST if with_starts else 0])
    database.scan(text, match_event_handler=lambda _id, start, end, _flags, _context: found.append((start, end)))
    return found


SCANNERS = [Gitleaks(), TruffleHog(), GitHub()]
