"""Writes to stdout what SAM makes of template.yaml, as CloudFormation would get it.

Fails where the result is not what the template means: sam validate checks the
template, not what comes out of it.
"""

import copy
import json
import logging
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

from stamp import stamp

# Roles of AWS services, with AWS's own policies for them.
NOT_OF_FUNCTIONS = {"APIGatewayLogsWriter", "DeploymentRole"}


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
    stages = list(of_type("AWS::ApiGateway::Stage").values())
    if len(apis) != 1 or len(stages) != 1:
        yield "there is not exactly one API with one stage"
    for api in apis.values():
        if api.get("MinimumCompressionSize") != 1024:
            yield "the API does not compress large answers"
        if "BinaryMediaTypes" in api or "x-amazon-apigateway-binary-media-types" in api["Body"]:
            yield "the API has binary media types, which break its mocks"
    for deployment in of_type("AWS::ApiGateway::Deployment").values():
        if "StageName" in deployment:
            yield f"there is a second stage, {deployment['StageName']}"
    for stage in stages:
        if stage["StageName"] != {"Ref": "StageName"}:
            yield f"the stage is called {stage['StageName']}"
        if not stage.get("TracingEnabled") or "AccessLogSetting" not in stage or "MethodSettings" not in stage:
            yield "the stage lacks traces, access logs or throttling"
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
                    required = [p["name"] for p in definition.get("parameters", []) if p["in"] != "path"]
                    if required or "x-amazon-apigateway-request-validator" in definition:
                        yield f"{method} {path} leaves API Gateway to validate {required}"
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
        elif not any("${%sAliaslive}" % name in uri for uri in integrated):
            yield f"{name} has no route to its alias, and no schedule for it"
    for uri in integrated:
        if "Aliaslive}" not in uri:
            yield f"{uri} is no alias"
    for name, permission in of_type("AWS::Lambda::Permission").items():
        if not permission["FunctionName"].get("Ref", "").endswith("Aliaslive"):
            yield f"{name} is not about an alias"
    roles = of_type("AWS::IAM::Role")
    used = {function["Role"]["Fn::GetAtt"][0] for function in functions.values()} | set(scheduled.values()) | NOT_OF_FUNCTIONS
    if roles.keys() != used:
        yield f"roles that are unused or missing: {sorted(roles.keys() ^ used)}"
    rights = {}
    for name, role in roles.items():
        same = rights.setdefault(json.dumps(role, sort_keys=True), name)
        if same != name:
            yield f"{name} and {same} allow the same"
        if "ManagedPolicyArns" in role and name not in NOT_OF_FUNCTIONS:
            yield f"{name} has policies that are not its own"
    for name, function in functions.items():
        if function["LoggingConfig"].get("LogGroup") != {"Ref": "FunctionLogs"}:
            yield f"{name} does not log to the group of all functions"
    yield from check_waves(resources, functions)
    yield from check_canaries(resources, functions, of_type("AWS::CloudWatch::Alarm"))


def check_waves(resources, functions):
    """Yields where too many functions are updated, or have canaries, at the same time."""
    after = {}
    for name in functions:
        previous = resources[name].get("DependsOn")
        if previous in after:
            yield f"{name} and {after[previous]} are updated at the same time"
        after[previous] = name
    # Each wave begins when the last alias of the one before it is done.
    waves, name = [[]], after.get(None)
    while name and len(waves[-1]) < len(functions):
        waves[-1].append(name)
        if following := after.get(name + "Aliaslive"):
            waves.append([])
        name = following or after.get(name)
    if sum(map(len, waves)) != len(functions) or max(map(len, waves)) > 14:
        yield f"the functions are updated in these waves: {waves}"


def check_canaries(resources, functions, alarms):
    """Yields which functions do not move to new code as they should."""
    for name in functions:
        alias = resources.get(name + "Aliaslive", {})
        update = alias.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate")
        if update is None:
            yield f"{name} has no alias with a canary"
            continue
        version = alias["Properties"]["FunctionVersion"]["Fn::GetAtt"][0]
        if resources[version]["Properties"]["FunctionName"] != {"Ref": name}:
            yield f"{name} has the alias of another function"
        group = resources[update["DeploymentGroupName"]["Ref"]]["Properties"]
        if group["ServiceRoleArn"] != {"Fn::GetAtt": ["DeploymentRole", "Arn"]}:
            yield f"{name} is deployed with another role"
        watched = [alarm["Name"].get("Ref") for alarm in group.get("AlarmConfiguration", {}).get("Alarms", [])]
        if len(watched) < 2 or not alarms.keys() >= set(watched) or not group["AlarmConfiguration"]["Enabled"]:
            yield f"the canary of {name} is watched by {watched}"
        if "DEPLOYMENT_STOP_ON_ALARM" not in group["AutoRollbackConfiguration"]["Events"]:
            yield f"the canary of {name} is not rolled back"


def check_versions(template):
    """Yields which functions keep their version, and the API its deployment, when they must not."""

    def made(result, kind):
        return {name for name, resource in result["Resources"].items() if resource["Type"] == kind}

    def kept(changed, kind):
        return sorted(made(translate(template), kind) & made(translate(changed), kind))

    memory = copy.deepcopy(template)
    memory["Globals"]["Function"]["MemorySize"] = 512
    for name in kept(memory, "AWS::Lambda::Version"):
        yield f"{name} stays when the memory changes"

    values = copy.deepcopy(template)
    stamp(template, {})
    stamp(values, {"LogLevel": "DEBUG", "CorsAllowOrigin": "https://example.com"})
    for kind in ("AWS::Lambda::Version", "AWS::ApiGateway::Deployment"):
        for name in kept(values, kind):
            yield f"{name} stays when a parameter changes"
    others = copy.deepcopy(template)
    stamp(others, {"AlarmEmail": "a@example.com", "ThrottleRate": "1", "DeploymentType": "AllAtOnce"})
    if made(translate(template), "AWS::Lambda::Version") != made(translate(others), "AWS::Lambda::Version"):
        yield "there are new versions when a parameter changes that no function has"


def translate(template):
    # It changes what it is given.
    return transform(copy.deepcopy(template), {}, NoManagedPolicies())


def main():
    # It tells of features that it could ask AWS for.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    template = yaml_parse(open("template.yaml", encoding="utf-8").read())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # The transform takes only code that is uploaded.
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    result = translate(template)
    problems = [*check(result), *check_versions(template)]
    for problem in problems:
        print(f"transformed template: {problem}", file=sys.stderr)
    json.dump(result, sys.stdout, indent=1)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
