"""The recipes of docs/federation.md as they stand there: what an operator runs once is run, and then what a workload runs, with a token of
its platform's shape, and with those of its neighbours."""

import json
import uuid

import jwt
import pytest
import yaml
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from conftest import ISSUER
from federation import PAGE, PAGES_ISSUER, Api, Aws, Platform, Shell, about_role, blocks, query_of, served

ROLE = "arn:aws:iam::123456789012:role/orders"
GITHUB = "https://token.actions.githubusercontent.com"
MAIN = "refs/heads/main"


@pytest.fixture
def api():
    api = Api()
    with served(api.answer) as api.url:
        yield api


@pytest.fixture
def new_shell(api, tmp_path):
    """Makes a shell. The rules that were made in it are deleted: the page has several about one workload."""
    shells = []

    def new_shell(**aws_or_cluster):
        shells.append(Shell(tmp_path, api.url, **aws_or_cluster))
        return shells[-1]

    yield new_shell
    for shell in shells:
        shell.delete_rules()


@pytest.fixture
def known(tmp_path):
    """Makes a platform with this URL, and a source of it, with its keys in a file: nobody is at its URL here."""

    def known(url):
        platform = Platform(url)
        platform.register(tmp_path)
        return platform

    return known


class Recipe:
    """What an operator has run once, and what a workload runs when it has been given `claims` by its platform."""

    def __init__(self, shell, platform, once, call, alg="RS256"):
        self.shell, self.platform, self.call, self.alg = shell, platform, call, alg
        self.client = shell.client_of(once)

    def token(self, claims):
        return self.platform.sign({"aud": ISSUER, **claims}, self.alg)

    def lets_in(self, claims):
        done = self.call(claims)
        assert done.returncode == 0 and done.stdout.endswith(f"the invoices of {self.client}"), done.stdout + done.stderr
        issued = jwt.decode(json.loads(self.by_grant(claims).stdout)["access_token"], options={"verify_signature": False})
        assert (issued["sub"], issued["client_id"]) == (self.client, self.client)

    def refuses(self, claims):
        done = self.call(claims)
        assert done.returncode != 0 and "error: 401" in done.stderr and "invoices of" not in done.stdout, claims
        assert "error: 400" in self.by_grant(claims).stderr, claims

    def by_grant(self, claims):
        """The same token with the other grant type."""
        (self.shell.directory / "token.jwt").write_text(self.token(claims))
        (block,) = blocks("The same as a grant", "sh")
        return self.shell.run(block)


def test_aws_a_role_gets_in_and_no_other_role_and_no_other_account(new_shell, known):
    aws = Aws(known(f"https://{uuid.uuid4()}.tokens.sts.global.api.aws"))
    once, call = blocks("AWS", "sh")
    with served(aws.answer) as aws_url:
        shell = new_shell(aws_url=aws_url)
        recipe = Recipe(shell, aws.sts, once, lambda claims: shell.run(call, **aws.credentials(claims["sub"])), "ES384")
        recipe.lets_in(about_role(ROLE))
        assert aws.asked == [([ISSUER], "ES384", 300)]
        for other in [f"{ROLE}-admin", ROLE.replace("123456789012", "999999999999"), ROLE.removesuffix("/orders")]:
            recipe.refuses(about_role(other))
        recipe.alg, call = "RS256", call.replace("ES384", "RS256")
        recipe.call = lambda claims: shell.run(call, **aws.credentials(claims["sub"]))
        recipe.lets_in(about_role(ROLE))
        assert aws.asked[-1] == ([ISSUER], "RS256", 300)


@pytest.mark.parametrize(
    ("audience", "seconds", "allowed"),
    [
        ([PAGES_ISSUER], "300", True),
        ([PAGES_ISSUER], "301", False),
        (["https://elsewhere.example"], "300", False),
        ([PAGES_ISSUER, "https://elsewhere.example"], "300", False),
        (None, "300", False),
    ],
    ids=["ours", "for too long", "another audience", "another audience as well", "no audience"],
)
def test_aws_the_policy_allows_short_tokens_for_the_issuer_alone(audience, seconds, allowed):
    (policy,) = blocks("AWS", "json")
    keys = {"sts:durationseconds": seconds} | ({"sts:identitytokenaudience": audience} if audience else {})
    request = EvalContext(
        principal_arn=ROLE, principal_type="AssumedRole", principal_account="123456789012", region="eu-central-1",
        action="sts:GetWebIdentityToken", resource_arn="*", service_context=keys,
    )  # fmt: skip
    assert (evaluate(request, [parse_policy_document(policy)]).decision == "Allow") == allowed


def github(repository="app", repository_id="74", reference=MAIN, owner=("acme", "4711"), workflow=None):
    """The claims of a job, with the `sub` of repositories that were made since July 2026."""
    name, owner_id = owner
    return {
        "sub": f"repo:{name}@{owner_id}/{repository}@{repository_id}:ref:{reference}",
        "jti": str(uuid.uuid4()),
        "repository": f"{name}/{repository}",
        "repository_id": repository_id,
        "repository_owner": name,
        "repository_owner_id": owner_id,
        "ref": reference,
        "ref_type": "branch",
        "job_workflow_ref": workflow or f"{name}/{repository}/.github/workflows/ci.yml@{reference}",
        "workflow": "ci",
        "actor": "alice",
        "event_name": "push",
        "runner_environment": "github-hosted",
    }


def job(shell, platform):
    """Runs the steps of the workflow on the page, as a runner does that may ask for tokens with these claims."""
    workflow = yaml.safe_load(shell.adapted(blocks("GitHub Actions", "yaml")[0]))
    assert workflow["permissions"]["id-token"] == "write"
    (steps,) = (job["steps"] for job in workflow["jobs"].values())

    def call(claims):
        def answer(method, target, headers, body):
            assert headers["Authorization"] == "Bearer of-the-job"
            return 200, json.dumps({"count": 1, "value": platform.sign({**claims, "aud": query_of(target)["audience"]})})

        with served(answer) as url:
            asked = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/token?api-version=2.0", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-job"}
            return shell.run("\n".join(step["run"] for step in steps), **asked)

    return call


def test_github_a_repository_gets_in_from_one_branch(new_shell, known):
    platform, shell = known(GITHUB), new_shell()
    recipe = Recipe(shell, platform, blocks("GitHub Actions", "sh")[0], job(shell, platform))
    recipe.lets_in(github())
    # Renamed, and of before the ids were in `sub`.
    recipe.lets_in(github("renamed"))
    recipe.lets_in({**github(), "sub": f"repo:acme/app:ref:{MAIN}"})
    recipe.refuses(github(repository_id="75"))
    recipe.refuses(github(reference="refs/heads/feature"))
    recipe.refuses(github(reference="refs/tags/refs/heads/main"))
    recipe.refuses(github("app-fork", "741"))


def test_github_a_workflow_gets_in_from_every_repository_of_one_owner(new_shell, known):
    platform, shell = known(GITHUB), new_shell()
    recipe = Recipe(shell, platform, blocks("GitHub Actions", "sh")[1], job(shell, platform))
    trusted = f"acme/workflows/.github/workflows/release.yml@{MAIN}"
    recipe.lets_in(github(workflow=trusted))
    recipe.lets_in(github("other", "80", "refs/heads/feature", workflow=trusted))
    recipe.refuses(github())
    recipe.refuses(github(workflow=trusted.replace("main", "feature")))
    # The name of the owner was taken over by somebody else.
    recipe.refuses(github(owner=("acme", "9999"), workflow=trusted))


def kubernetes(namespace="shop", account="orders"):
    return {
        "sub": f"system:serviceaccount:{namespace}:{account}",
        "aud": [ISSUER],
        "kubernetes.io": {
            "namespace": namespace,
            "serviceaccount": {"name": account, "uid": str(uuid.uuid4())},
            "pod": {"name": f"{account}-0", "uid": str(uuid.uuid4())},
        },
    }


def pod(shell, platform):
    """Runs what the page runs in a pod, which finds the token where the page's manifest has it put."""
    manifest = yaml.safe_load(shell.adapted(blocks("EKS", "yaml")[0]))
    (container,), (volume,) = manifest["spec"]["containers"], manifest["spec"]["volumes"]
    ((mount,),) = [container["volumeMounts"]]
    assert mount["name"] == volume["name"]
    (projected,) = [source["serviceAccountToken"] for source in volume["projected"]["sources"]]
    token = shell.directory / projected["path"]
    # Kubernetes allows no shorter ones.
    assert projected["expirationSeconds"] >= 600

    def call(claims):
        token.write_text(platform.sign({**claims, "aud": [projected["audience"]]}))
        text = blocks("EKS", "sh")[1]
        assert f"@{mount['mountPath']}/{projected['path']} " in text
        return shell.run(text.replace(mount["mountPath"], str(shell.directory)))

    of_manifest = kubernetes(manifest["metadata"]["namespace"], manifest["spec"]["serviceAccountName"])
    return call, of_manifest


def test_eks_a_service_account_gets_in(new_shell, known):
    platform = known(f"https://oidc.eks.eu-central-1.amazonaws.com/id/{uuid.uuid4().hex.upper()}")
    with served(Aws(sts=None, eks=platform).answer) as aws_url:
        shell = new_shell(aws_url=aws_url)
        call, of_manifest = pod(shell, platform)
        recipe = Recipe(shell, platform, blocks("EKS", "sh")[0], call)
        recipe.lets_in(of_manifest)
        recipe.refuses(kubernetes(account="orders2"))
        recipe.refuses(kubernetes(namespace="shop2"))


def test_kubernetes_a_namespace_gets_in_and_a_cluster_of_the_same_name_does_not(new_shell):
    platform, namesake = (Platform("https://kubernetes.default.svc.cluster.local") for _ in range(2))
    shell = new_shell(platform=platform)
    call, of_manifest = pod(shell, platform)
    recipe = Recipe(shell, platform, blocks("Any other Kubernetes", "sh")[0], call)
    recipe.lets_in(of_manifest)
    recipe.lets_in(kubernetes(account="anything"))
    recipe.refuses(kubernetes(namespace="shop-test"))
    recipe.refuses(kubernetes(namespace="sho", account="p:orders"))
    recipe.call, _ = pod(shell, namesake)
    recipe.platform = namesake
    recipe.refuses(of_manifest)


def gitlab(project_id="22", reference="main", kind="branch", protected="true"):
    return {
        "sub": f"project_path:acme/app:ref_type:{kind}:ref:{reference}",
        "jti": str(uuid.uuid4()),
        "project_path": "acme/app",
        "project_id": project_id,
        "namespace_path": "acme",
        "namespace_id": "72",
        "ref": reference,
        "ref_type": kind,
        "ref_protected": protected,
        "user_login": "alice",
        "pipeline_source": "push",
    }


def test_gitlab_a_protected_branch_of_a_project_gets_in(new_shell, known):
    platform, shell = known("https://gitlab.com"), new_shell()
    (job,) = yaml.safe_load(shell.adapted(blocks("GitLab", "yaml")[0])).values()
    ((variable, wanted),) = job["id_tokens"].items()

    def call(claims):
        return shell.run("\n".join(job["script"]), **{variable: platform.sign({**claims, "aud": wanted["aud"]})})

    recipe = Recipe(shell, platform, blocks("GitLab", "sh")[0], call)
    recipe.lets_in(gitlab())
    recipe.refuses(gitlab(project_id="23"))
    recipe.refuses(gitlab(reference="feature"))
    recipe.refuses(gitlab(kind="tag"))
    recipe.refuses(gitlab(protected="false"))


def test_every_block_of_the_page_is_run():
    shown = {"AWS": 2, "GitHub Actions": 2, "EKS": 2, "Any other Kubernetes": 1, "GitLab": 1, "The same as a grant": 1}
    assert {heading: len(blocks(heading, "sh")) for heading in shown} == shown
    assert PAGE.count("```sh\n") == sum(shown.values()) and PAGE.count("```yaml\n") == 3 and PAGE.count("```json\n") == 1
