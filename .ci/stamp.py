"""Marks a built template with the settings that its functions and its API get.

    stamp.py [--always] TEMPLATE ENVIRONMENT

SAM publishes a version of a function, and deploys an API, when their text in
the template changes. A parameter's value is not part of that text
(aws/serverless-application-model#3820), so that the alias would keep the old
value for as long as the code is the same. This writes a digest of the values
that a function uses into its description, and likewise for the API.

The values are those of the environment in samconfig.toml, or the defaults.
With --always every digest is a new one: sam deploy --guided asks for values
only later.
"""

import hashlib
import json
import re
import sys
import uuid

import tomlkit
from samcli.cli.types import CfnParameterOverridesType
from samcli.yamlhelper import yaml_dump, yaml_parse


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


def references(node):
    """Yields the names that a part of a template refers to."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::Sub":
                text = value[0] if isinstance(value, list) else value
                yield from re.findall(r"\$\{([A-Za-z0-9]+)\}", text)
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def stamp(template, values, always=False):
    """Writes the digests into a template, in place of those that are there."""
    parameters = template["Parameters"]

    def mark(text, *parts):
        used = sorted({name for part in parts for name in references(part) if name in parameters})
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
            body["info"]["description"] = mark(body["info"].get("description", ""), body).strip()


def main(arguments):
    always = arguments[:1] == ["--always"]
    path, environment = arguments[always:]
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    stamp(template, overrides(environment), always)
    with open(path, "w", encoding="utf-8") as file:
        file.write(yaml_dump(template))


if __name__ == "__main__":
    main(sys.argv[1:])
