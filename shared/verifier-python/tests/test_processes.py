"""Servers that fork workers after the verifier was made, and even used."""

import os
import subprocess
import sys

from served import ServedIssuer

FORKED = """
import os, sys, time
from tokensmith_verifier import Verifier

url, audience, token = sys.argv[1:]
ahead = 0
verifier = Verifier(url, audience, clock=lambda: time.time() + ahead)
verifier.verify(token)
child = os.fork()
# The view is overdue now: each process has to renew it itself, with its own connections and threads.
ahead = 50
verifier.verify(token)
if child == 0:
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_verifier_works_on_in_a_forked_process():
    issuer = ServedIssuer()
    try:
        command = [sys.executable, "-c", FORKED, issuer.url, issuer.audience, issuer.token()]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run(command, check=True, timeout=60, env=environment, cwd=os.path.dirname(__file__))
        assert [request.url.path for request in issuer.requests].count("/oauth2/revocations") == 3
    finally:
        issuer.close()
