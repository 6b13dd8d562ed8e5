"""Makes the lake's bucket. LocalStack runs it by itself when it is ready, in its container and in the local stack alike."""

import os

import boto3

endpoint = os.environ.get("S3_ENDPOINT", "http://127.0.0.1:4566")
region = os.environ.get("AWS_REGION", "us-east-1")
bucket = os.environ.get("LAKE_BUCKET", "lake")

s3 = boto3.client(
    "s3", endpoint_url=endpoint, region_name=region, aws_access_key_id="test", aws_secret_access_key="test"
)
if bucket not in [known["Name"] for known in s3.list_buckets()["Buckets"]]:
    # us-east-1 is the one region that must not be named as a location.
    location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **location)
