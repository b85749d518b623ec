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


# The functions that stream their answers, and for how many seconds.
STREAMING = {"TopologySearch", "TopologyHistory", "ComputeList", "ExecutionList"}
STREAM_SECONDS = 900


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

    integrated, streaming = [], set()
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
                    yield from check_transfer(f"{method} {path}", integration, functions, streaming)
                    required = [p["name"] for p in definition.get("parameters", []) if p["in"] != "path"]
                    if required or "x-amazon-apigateway-request-validator" in definition:
                        yield f"{method} {path} leaves API Gateway to validate {required}"
                elif "any-method" not in method and method != "options":
                    yield f"{method} {path} is a mock"

    if streaming != STREAMING:
        yield f"these functions stream or should not: {sorted(streaming ^ STREAMING)}"

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


def check_transfer(route, integration, functions, streaming):
    """Yields what is wrong with how a route passes on answers, and adds its function to those that stream."""
    uri = integration["uri"]["Fn::Sub"]
    function = uri.rpartition("${")[2].partition("Aliaslive}")[0]
    invocations = {
        "STREAM": "lambda:path/2021-11-15/functions/${%sAliaslive}/response-streaming-invocations",
        "BUFFERED": "lambda:path/2015-03-31/functions/${%sAliaslive}/invocations",
    }
    mode = integration.get("responseTransferMode", "BUFFERED")
    if not uri.endswith(invocations[mode] % function):
        yield f"{route} is {mode} and invokes {uri}"
    if mode == "BUFFERED":
        if "timeoutInMillis" in integration:
            yield f"{route} has a time limit of its own"
        return
    streaming.add(function)
    if integration.get("timeoutInMillis") != STREAM_SECONDS * 1000:
        yield f"API Gateway cuts {route} off after {integration.get('timeoutInMillis')} ms"
    if functions[function]["Timeout"] != STREAM_SECONDS:
        yield f"{function} has {functions[function]['Timeout']} s for a stream"


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
        if len(watched) < 3 or not alarms.keys() >= set(watched) or not group["AlarmConfiguration"]["Enabled"]:
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
    for setting in ({"DomainName": "api.example.com"}, {"SecurityPolicy": "SecurityPolicy_TLS13_1_3_2025_09"}):
        changed = copy.deepcopy(template)
        stamp(changed, setting)
        for name in kept(changed, "AWS::ApiGateway::Deployment"):
            yield f"{name} stays with {setting}"
    others = copy.deepcopy(template)
    stamp(others, {"AlarmEmail": "a@example.com", "ThrottleRate": "1", "DeploymentType": "AllAtOnce"})
    if made(translate(template), "AWS::Lambda::Version") != made(translate(others), "AWS::Lambda::Version"):
        yield "there are new versions when a parameter changes that no function has"


# Parameters that change nothing without a value, and examples of theirs.
OPTIONAL = {
    "PermissionsBoundary": "arn:aws:iam::123456789012:policy/boundary",
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/x",
    "WebAclArn": "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/x/y",
    "DomainName": "api.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/x",
    "SecurityPolicy": "SecurityPolicy_TLS13_1_3_2025_09",
}


def decide(result, values):
    """Returns a transformed template with its conditions decided, as CloudFormation does it."""
    values = {name: p.get("Default") for name, p in result["Parameters"].items()} | values
    nothing = {"Ref": "AWS::NoValue"}

    def holds(condition):
        if "Fn::Not" in condition:
            return not holds(condition["Fn::Not"][0])
        left, right = (values[v["Ref"]] if isinstance(v, dict) else v for v in condition["Fn::Equals"])
        return left == right

    def plain(node):
        if isinstance(node, dict) and "Fn::If" in node:
            name, yes, no = node["Fn::If"]
            return plain(yes if holds(result["Conditions"][name]) else no)
        if isinstance(node, dict):
            return {k: v for k, v in ((k, plain(v)) for k, v in node.items()) if v != nothing}
        if isinstance(node, list):
            return [v for v in map(plain, node) if v != nothing]
        return node

    made = {k: v for k, v in result["Resources"].items() if "Condition" not in v or holds(result["Conditions"][v["Condition"]])}
    return plain(made)


def check_options(result):
    """Yields which optional parameters leave traces without a value, or do not work with one."""
    without = decide(result, {})
    together = {"CertificateArn": "DomainName", "EndpointAccessMode": "SecurityPolicy"}
    for given in (None, *OPTIONAL):
        text = json.dumps(decide(result, {given: OPTIONAL[given]} if given else {}))
        for name in [*OPTIONAL, "EndpointAccessMode"]:
            if given not in (name, together.get(name)) and json.dumps({"Ref": name}) in text:
                yield f"{name} has an effect with {given or 'nothing'} set"
    for kind in ("AWS::ApiGateway::DomainName", "AWS::ApiGateway::BasePathMapping", "AWS::WAFv2::WebACLAssociation"):
        if any(r["Type"] == kind for r in without.values()):
            yield f"there is a {kind} that nobody asked for"
    if "x-amazon-apigateway-endpoint-configuration" in without["API"]["Properties"]["Body"]:
        yield "the default address may be off"

    key = {"Ref": "KmsKeyArn"}
    facts = {
        "AWS::IAM::Role": lambda p: p["PermissionsBoundary"] == {"Ref": "PermissionsBoundary"},
        "AWS::Logs::LogGroup": lambda p: p["KmsKeyId"] == key,
        "AWS::SNS::Topic": lambda p: p["KmsMasterKeyId"] == key,
        "AWS::SQS::Queue": lambda p: p["KmsMasterKeyId"] == key and "SqsManagedSseEnabled" not in p,
        "AWS::DynamoDB::Table": lambda p: p["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
        "AWS::WAFv2::WebACLAssociation": lambda p: p["WebACLArn"] == {"Ref": "WebAclArn"},
        "AWS::ApiGateway::BasePathMapping": lambda p: p["DomainName"] == {"Ref": "APIDomain"} and "BasePath" not in p,
        "AWS::ApiGateway::DomainName": lambda p: p["SecurityPolicy"] == {"Ref": "SecurityPolicy"}
        and p["EndpointAccessMode"] == {"Ref": "EndpointAccessMode"}
        and p["RegionalCertificateArn"] == {"Ref": "CertificateArn"},
        "AWS::ApiGateway::RestApi": lambda p: p["SecurityPolicy"] == {"Ref": "SecurityPolicy"}
        and p["EndpointAccessMode"] == {"Ref": "EndpointAccessMode"}
        and p["Body"]["x-amazon-apigateway-endpoint-configuration"] == {"disableExecuteApiEndpoint": True},
    }
    seen = set()
    for name, resource in decide(result, OPTIONAL).items():
        if resource["Type"] in facts:
            seen.add(resource["Type"])
            try:
                good = facts[resource["Type"]](resource["Properties"])
            except KeyError:
                good = False
            if not good:
                yield f"{name} ignores an optional parameter"
        if resource["Type"] == "AWS::IAM::Role" and name not in NOT_OF_FUNCTIONS:
            statements = [s for policy in resource["Properties"]["Policies"] for s in policy["PolicyDocument"]["Statement"]]
            uses = any("dynamodb:" in json.dumps(s) or "sqs:" in json.dumps(s) for s in statements if s["Resource"] != key)
            if uses != any(s["Resource"] == key and "kms:ViaService" in json.dumps(s["Condition"]) for s in statements if "Condition" in s):
                yield f"{name} may not use the key, or has no use for it"
    if seen != facts.keys():
        yield f"with all optional parameters there is no {sorted(facts.keys() - seen)}"


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
    problems = [*check(result), *check_options(result), *check_versions(template)]
    for problem in problems:
        print(f"transformed template: {problem}", file=sys.stderr)
    json.dump(result, sys.stdout, indent=1)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
