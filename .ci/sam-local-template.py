"""Writes to stdout the built template at the given path, with three more variables.

With them, functions that `sam local` runs use DynamoDB Local. They are empty:
their values come from the shell or from --env-vars.
"""

import sys

from samcli.yamlhelper import yaml_dump, yaml_parse

template = yaml_parse(open(sys.argv[1], encoding="utf-8").read())
variables = template["Globals"]["Function"]["Environment"]["Variables"]
for name in ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
    variables[name] = ""
print(yaml_dump(template), end="")
