"""The bucket for code and templates: private, one for all stacks of the account in this Region."""

import hashlib

from aws import found

# For how long what is no longer used can be brought back.
KEPT_DAYS = 30
LIFE_CYCLE = {
    "Rules": [
        {
            "ID": "what is no longer used",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": KEPT_DAYS},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
        # CloudFormation keeps what it has read.
        {"ID": "templates", "Status": "Enabled", "Filter": {"Prefix": "templates/"}, "Expiration": {"Days": KEPT_DAYS}},
    ]
}
ENCRYPTION = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
NOTHING_PUBLIC = dict.fromkeys(["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True)


def name_of(aws):
    return f"tokensmith-code-{aws.account}-{aws.region}"


class Bucket:
    """The bucket, made if it is missing, and as it should be."""

    def __init__(self, aws):
        self.s3, self.name = aws.client("s3"), name_of(aws)
        # In the Region where S3 began, making a bucket that is there succeeds; elsewhere it is refused.
        place = {} if aws.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": aws.region}}
        found(lambda: self.s3.create_bucket(Bucket=self.name, **place), "BucketAlreadyOwnedByYou")
        self.s3.put_public_access_block(Bucket=self.name, PublicAccessBlockConfiguration=NOTHING_PUBLIC)
        self.s3.put_bucket_encryption(Bucket=self.name, ServerSideEncryptionConfiguration=ENCRYPTION)
        self.s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        self.s3.put_bucket_lifecycle_configuration(Bucket=self.name, LifecycleConfiguration=LIFE_CYCLE)

    def url_of_template(self, path):
        """Uploads a template below its own hash, unless it is there: it is too long to be sent with a request."""
        content = path.read_bytes()
        key = f"templates/{hashlib.sha256(content).hexdigest()[:16]}.yaml"
        if not self.keys(key):
            self.s3.put_object(Bucket=self.name, Key=key, Body=content)
        return f"{self.s3.meta.endpoint_url}/{self.name}/{key}"

    def upload_code(self, stack, revision, zips):
        """Uploads the zips of a revision that are not there."""
        there = self.keys(f"{stack}/{revision}/")
        for name, content in zips.items():
            key = f"{stack}/{revision}/{name}"
            if key not in there:
                self.s3.put_object(Bucket=self.name, Key=key, Body=content)

    def forget_code_but(self, stack, revision):
        """Removes the stack's other revisions. The one that is deployed is needed to go back to when the next update fails."""
        others = [key for key in self.keys(f"{stack}/") if not key.startswith(f"{stack}/{revision}/")]
        for start in range(0, len(others), 1000):
            objects = [{"Key": key} for key in others[start : start + 1000]]
            self.s3.delete_objects(Bucket=self.name, Delete={"Objects": objects, "Quiet": True})

    def keys(self, prefix):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return {each["Key"] for page in pages for each in page.get("Contents", [])}
