"""Writes to stdout what SAM makes of template.yaml, as CloudFormation would get it.

Fails where the result is not what the template means: sam validate checks the
template, not what comes out of it.
"""

import json
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

# Below this path the gateway asks for credentials. Elsewhere functions do,
# since each API words it differently.
CHALLENGED = "/flexdeploy/"


class NoManagedPolicies:
    """A loader that needs no AWS account."""

    def load(self):
        return {}


def check(result):
    """Yields what is wrong with the transformed template."""
    resources = result["Resources"]
    of_type = lambda kind: {k: v["Properties"] for k, v in resources.items() if v["Type"] == kind}

    apis = of_type("AWS::ApiGateway::RestApi")
    functions = of_type("AWS::Lambda::Function")
    if len(apis) != 1 or len(of_type("AWS::ApiGateway::Stage")) != 1:
        yield "there is not exactly one API with one stage"
    if len(resources) > 450:
        yield f"there are {len(resources)} resources, and CloudFormation takes 500"

    integrated = []
    for body in (api["Body"] for api in apis.values()):
        for path, methods in body["paths"].items():
            if path != "/" and path.endswith("/"):
                yield f"{path} ends in a slash"
            for method, definition in methods.items():
                integration = definition.get("x-amazon-apigateway-integration")
                if integration is None:
                    yield f"{method} {path} has no integration"
                elif integration["type"] == "aws_proxy":
                    integrated.append(integration["uri"]["Fn::Sub"])
                    required = [p["name"] for p in definition.get("parameters", []) if p.get("required")]
                    validated = "Authorization" in required and "x-amazon-apigateway-request-validator" in definition
                    if validated != path.startswith(CHALLENGED):
                        yield f"{method} {path} has {'a' if validated else 'no'} request validator"
                elif "any-method" not in method and method != "options":
                    yield f"{method} {path} is a mock"

    scheduled = {}
    for name, schedule in of_type("AWS::Scheduler::Schedule").items():
        if "Name" in schedule:
            yield f"{name} has a fixed name, which two stacks of an account would share"
        if "DeadLetterConfig" not in schedule["Target"]:
            yield f"{name} loses what it cannot deliver"
        scheduled[schedule["Target"]["Arn"].get("Ref")] = schedule["Target"]["RoleArn"]["Fn::GetAtt"][0]
    aliases = {v["FunctionName"]["Ref"]: k for k, v in of_type("AWS::Lambda::Alias").items()}
    retried = {v["FunctionName"]["Ref"]: v for v in of_type("AWS::Lambda::EventInvokeConfig").values()}
    for name, function in functions.items():
        if aliases.get(name, "") in scheduled:
            config = retried.get(name, {})
            if config.get("Qualifier") != resources[aliases[name]]["Properties"]["Name"]:
                yield f"the retries of {name} are not those of its alias"
            if "OnFailure" not in config.get("DestinationConfig", {}):
                yield f"{name} loses the runs that fail"
        elif not any("${%s.Arn}" % name in uri for uri in integrated):
            yield f"{name} has no route, and no schedule for its alias"
        if function["Role"]["Fn::GetAtt"] != [name + "Role", "Arn"]:
            yield f"{name} does not have a role of its own"
    if len(of_type("AWS::IAM::Role")) != len(functions) + len(set(scheduled.values())):
        yield "there are roles besides those of the functions and the schedules"
    for name, role in of_type("AWS::IAM::Role").items():
        if "ManagedPolicyArns" in role:
            yield f"{name} has policies that are not its own"


def main():
    template = yaml_parse(open("template.yaml", encoding="utf-8").read())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # The transform takes only code that is uploaded.
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    result = transform(template, {}, NoManagedPolicies())
    problems = list(check(result))
    for problem in problems:
        print(f"transformed template: {problem}", file=sys.stderr)
    json.dump(result, sys.stdout, indent=1)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
