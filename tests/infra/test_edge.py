"""`infra/edge.yaml`, as far as it can be read: no emulator has a CloudFront that caches."""

import re

import pytest

from stack import PATHS, ROOT, Template

EDGE = ROOT / "infra" / "edge.yaml"
NEVER_CACHED, EVERY_HEADER = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "216adef6-5c7f-47e4-b989-5492eafa07d3"


@pytest.fixture(scope="module")
def edge():
    return Template(EDGE)


@pytest.fixture(scope="module")
def distribution(edge):
    return edge.resources["Distribution"]["Properties"]["DistributionConfig"]


def behaviour_of(distribution, path):
    """How CloudFront treats a path: by the first pattern that fits."""
    for behaviour in distribution["CacheBehaviors"]:
        if re.fullmatch(re.escape(behaviour["PathPattern"]).replace(r"\*", ".*"), path):
            return behaviour
    return distribution["DefaultCacheBehavior"]


def cache_of(edge, behaviour):
    return edge.resources[behaviour["CachePolicyId"]["Ref"]]["Properties"]["CachePolicyConfig"]


CACHED = [path for path in PATHS.values() if path.startswith("/.well-known/") or path == PATHS["revocations"]]


def test_what_anybody_may_read_is_cached_and_nothing_else(edge, distribution):
    assert len(CACHED) == 4
    for path in [*PATHS.values(), "/oauth2/authorize", "/oauth2/revocations/x", "/"]:
        behaviour = behaviour_of(distribution, path)
        if path in CACHED:
            assert behaviour["CachePolicyId"] == {"Ref": "CachedForSeconds"}, path
            assert behaviour["CachedMethods"] == ["GET", "HEAD"]
        else:
            # By AWS's own policies: nothing is cached, and every header is passed on, Authorization and Host among them.
            assert (behaviour["CachePolicyId"], behaviour["OriginRequestPolicyId"]) == (NEVER_CACHED, EVERY_HEADER), path


def test_pages_get_what_they_read_and_no_cache_keeps_them(distribution):
    """Cookies and queries, and the headers Accept-Language and User-Agent: AWS's policy passes on all that a browser sends."""
    for name in ("authorize", "login", "upstream", "consent", "account", "device", "logout"):
        behaviour = behaviour_of(distribution, PATHS[name])
        assert (behaviour["CachePolicyId"], behaviour["OriginRequestPolicyId"]) == (NEVER_CACHED, EVERY_HEADER), name


def test_every_method_reaches_the_endpoints_which_answer_405_themselves(distribution):
    for behaviour in [distribution["DefaultCacheBehavior"], *distribution["CacheBehaviors"]]:
        assert set(behaviour["AllowedMethods"]) == {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}
        assert behaviour["ViewerProtocolPolicy"] == "https-only"


def test_nothing_is_kept_longer_than_the_feed_is_renewed(edge, distribution):
    """The contract: what is kept longer delays that verifiers believe a feed which a new key has signed."""
    source = (ROOT / "shared/issuer/src/revocation/feed.rs").read_text()
    renewed = int(re.search(r"const FEED_INTERVAL: Duration = Duration::from_secs\((\d+)\)", source)[1])
    for path in CACHED:
        cache = cache_of(edge, behaviour_of(distribution, path))
        assert cache["MinTTL"] == cache["DefaultTTL"] == 0 and cache["MaxTTL"] == renewed
    errors = {each["ErrorCode"]: each["ErrorCachingMinTTL"] for each in distribution["CustomErrorResponses"]}
    # CloudFront keeps no other.
    assert errors == dict.fromkeys([400, 403, 404, 405, 414, 500, 501, 502, 503, 504], 0)


def test_only_what_the_endpoint_reads_makes_another_copy(edge, distribution):
    """And nothing that is not in the key reaches the endpoint, where it could make an answer that everybody gets."""
    for path in CACHED:
        behaviour = behaviour_of(distribution, path)
        key = cache_of(edge, behaviour)["ParametersInCacheKeyAndForwardedToOrigin"]
        assert key["QueryStringsConfig"] == {"QueryStringBehavior": "whitelist", "QueryStrings": ["since"]}
        assert key["HeadersConfig"] == {"HeaderBehavior": "none"} and key["CookiesConfig"] == {"CookieBehavior": "none"}
        assert not key["EnableAcceptEncodingGzip"] and not key["EnableAcceptEncodingBrotli"]
        passed = edge.resources[behaviour["OriginRequestPolicyId"]["Ref"]]["Properties"]["OriginRequestPolicyConfig"]
        assert passed["QueryStringsConfig"] == {"QueryStringBehavior": "none"}
        assert passed["CookiesConfig"] == {"CookieBehavior": "none"}
        # A GET is answered the same whatever these say; a preflight is not cached.
        assert passed["HeadersConfig"]["Headers"] == ["Host", "Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"]
    assert re.findall(r'name == "(\w+)"', (ROOT / "shared/issuer/src/endpoint/revocations.rs").read_text()) == ["since"]


def test_the_web_acl_stands_before_the_distribution_and_counts_the_oauth_endpoints(edge, distribution):
    assert distribution["WebACLId"] == {"Fn::GetAtt": ["WebAcl", "Arn"]}
    acl = edge.resources["WebAcl"]["Properties"]
    assert acl["Scope"] == "CLOUDFRONT" and acl["DefaultAction"] == {"Allow": {}}
    (rule,) = acl["Rules"]
    rate = rule["Statement"]["RateBasedStatement"]
    assert (rate["AggregateKeyType"], rate["EvaluationWindowSec"], rate["Limit"]) == ("IP", 300, {"Ref": "RequestsPerAddress"})
    counted = [each["ByteMatchStatement"] for each in rate["ScopeDownStatement"]["OrStatement"]["Statements"]]
    of_people = [("EXACTLY", PATHS[name]) for name in ("login", "upstream", "account", "device")]
    assert [(each["PositionalConstraint"], each["SearchString"]) for each in counted] == [("STARTS_WITH", "/oauth2/"), *of_people]
    for each in counted:
        assert [one["Type"] for one in each["TextTransformations"]] == ["URL_DECODE", "NORMALIZE_PATH"]
    answer = rule["Action"]["Block"]["CustomResponse"]
    assert answer["ResponseCode"] == 429
    assert {"Name": "Retry-After", "Value": "60"} in answer["ResponseHeaders"]
    # One IPv6 network has more addresses than can be counted.
    assert distribution["IPV6Enabled"] is False


def test_an_embedded_verifier_that_reads_the_feed_is_far_below_the_limit(edge):
    limit, interval = edge.parameters["RequestsPerAddress"], 5
    assert 300 / interval * 20 < limit


def test_the_log_has_the_callers_address_and_no_query(edge):
    fields = edge.resources["AccessLogDelivery"]["Properties"]["RecordFields"]
    assert {"c-ip", "cs-uri-stem", "sc-status"} <= set(fields)
    assert not {"cs-uri-query", "cs(Cookie)", "cs(Referer)"} & set(fields)


def test_it_is_deployed_where_cloudfront_reads_its_parts(edge):
    (rule,) = edge.document["Rules"].values()
    assert rule["Assertions"][0]["Assert"] == {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}
    assert "us-east-1" in edge.document["Parameters"]["CertificateArn"]["AllowedPattern"]
