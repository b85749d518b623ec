"""Says which AWS account and region would be used, or what is missing for that.

With --any-region there need not be one yet: sam deploy --guided asks for it.
"""

import sys

import boto3
import botocore.exceptions


def main():
    try:
        session = boto3.Session()
        if session.get_credentials() is None:
            return (
                "There are no AWS credentials. Sign in, for example with `aws sso login`, and set AWS_PROFILE; "
                "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )
        if session.region_name is None and "--any-region" not in sys.argv:
            return "There is no AWS region. Set AWS_REGION, or a region in the profile."
        identity = session.client("sts", region_name=session.region_name or "us-east-1").get_caller_identity()
    except botocore.exceptions.ProfileNotFound as error:
        return f"{error}. AWS_PROFILE names a profile that is not there."
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        return f"AWS does not accept the credentials, or cannot be reached: {error}"
    print(f"Account {identity['Account']}, region {session.region_name or 'to be asked'}, as {identity['Arn']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
