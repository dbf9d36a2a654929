import os

import pytest

from stack import Template

# What translates and lints never calls AWS, and wants a Region all the same.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture(scope="session")
def template():
    return Template()
