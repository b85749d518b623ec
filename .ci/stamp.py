"""Marks a built template with the settings that its functions and its API get.

    stamp.py [--always] TEMPLATE ENVIRONMENT

SAM publishes a version of a function, and deploys an API, when their text in
the template changes. A parameter's value is not part of that text
(aws/serverless-application-model#3820), so the alias would keep the old value
until the code changes. This writes a digest of the values that a function uses
into its description, and likewise for the API.

The values are those of the environment in samconfig.toml, or the defaults.
With --always every digest is new, because sam deploy --guided asks for values
later.

It refuses functions that were built for another architecture than the one they
would be deployed with, and lets the template take no other.
"""

import hashlib
import json
import pathlib
import re
import sys
import uuid

import tomlkit
from samcli.cli.types import CfnParameterOverridesType
from samcli.yamlhelper import yaml_dump, yaml_parse


# Properties of an API that a stage has only from its next deployment on.
DEPLOYED = ("DefinitionBody", "SecurityPolicy", "EndpointAccessMode")

# The field e_machine of an ELF header.
MACHINES = {0x3E: "x86_64", 0xB7: "arm64"}


def built_for(path, template):
    """Returns the architectures of the functions in a built template."""
    found = set()
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            with open(pathlib.Path(path).parent / resource["Properties"]["CodeUri"] / "bootstrap", "rb") as file:
                machine = int.from_bytes(file.read(20)[18:], "little")
            found.add(MACHINES.get(machine, f"machine {machine:#x}"))
    return found


def pin_architecture(template, built, values):
    """Lets a template take the architecture only that its functions were built for, or says what is wrong."""
    parameter = template["Parameters"]["Architecture"]
    wanted = values.get("Architecture", parameter["Default"])
    if built != {wanted}:
        return (
            f"The functions are built for {', '.join(sorted(built))}, and Architecture is {wanted}. "
            "Set it under [ENVIRONMENT.global.parameters] in samconfig.toml, where sam build and sam deploy find it."
        )
    parameter["Default"] = wanted
    parameter["AllowedValues"] = [wanted]
    return None


def overrides(environment):
    """Returns the parameters that samconfig.toml sets."""
    with open("samconfig.toml", encoding="utf-8") as file:
        sections = tomlkit.parse(file.read()).unwrap().get(environment, {})
    values = {}
    for section in ("global", "deploy"):
        given = sections.get(section, {}).get("parameters", {}).get("parameter_overrides")
        if given:
            values.update(CfnParameterOverridesType().convert(given, None, None))
    return values


def references(node, conditions):
    """Yields the names that a part of a template refers to, also in its conditions."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::Sub":
                text = value[0] if isinstance(value, list) else value
                yield from re.findall(r"\$\{([A-Za-z0-9]+)\}", text)
            elif key == "Fn::If":
                yield from references(conditions[value[0]], conditions)
            yield from references(value, conditions)
    elif isinstance(node, list):
        for value in node:
            yield from references(value, conditions)


def stamp(template, values, always=False):
    """Writes the digests into a template, in place of those that are there."""
    parameters, conditions = template["Parameters"], template["Conditions"]

    def mark(text, *parts):
        used = sorted({name for part in parts for name in references(part, conditions) if name in parameters})
        settings = [(name, str(values.get(name, parameters[name].get("Default", "")))) for name in used]
        if always:
            settings.append(str(uuid.uuid4()))
        digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:10]
        return re.sub(r" ?\[settings \w+\]$", "", text) + f" [settings {digest}]"

    shared = dict(template["Globals"]["Function"])
    # How a version is rolled out makes no new version.
    shared.pop("DeploymentPreference", None)
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            own = {name: value for name, value in properties.items() if name != "Events"}
            properties["Description"] = mark(properties["Description"], shared, own)
        elif resource["Type"] == "AWS::Serverless::Api":
            body = properties["DefinitionBody"]
            body["info"]["description"] = mark(body["info"].get("description", ""), *(properties.get(name) for name in DEPLOYED)).strip()


def main(arguments):
    always = arguments[:1] == ["--always"]
    path, environment = arguments[always:]
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    values = overrides(environment)
    if problem := pin_architecture(template, built_for(path, template), values):
        return problem
    stamp(template, values, always)
    with open(path, "w", encoding="utf-8") as file:
        file.write(yaml_dump(template))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
