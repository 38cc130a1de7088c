"""Strict offline validation of Kubernetes resources: what `kubectl apply --validate=strict` refuses is refused here.

Built-in kinds follow the OpenAPI schemas in the package `kubernetes-validate`. Custom resources follow the CRD files in
the folder named by ENTP_TEST_CRDS; Flux's and AppProject follow `gitops_crds.yaml`, beside this file. CEL rules are not
evaluated.
"""

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

KUBERNETES_VERSIONS = ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
OWN_CRDS = Path(__file__).parent / "gitops_crds.yaml"
COPIED_KEYWORDS = (
    *("enum", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "required"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
)
Json = dict[str, Any]


def is_builtin(resource: Json) -> bool:
    """Whether the resource's API group belongs to Kubernetes itself (`x-k8s.io` groups are add-ons)."""
    group = _group(resource)
    return "." not in group or (group.endswith(".k8s.io") and not group.endswith(".x-k8s.io"))


def validate_builtin(resource: Json, version: str) -> None:
    """Validate a built-in kind against one Kubernetes version ("1.34").

    Raises AssertionError, with the path of the first fault, on a wrong or unknown field or kind.
    """
    name = _name(resource)
    assert is_builtin(resource), f"{name}: {resource['apiVersion']} is not built into Kubernetes"
    try:
        kubernetes_validate.validate(resource, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        raise AssertionError(f"{name} on {version}: {_path(error)}: {error.message}") from None
    except kubernetes_validate.SchemaNotFoundError as error:
        raise AssertionError(f"{name} on {version}: {error.message}") from None


def validate_custom(resource: Json) -> None:
    """Validate a custom resource by its CRD; skips the calling test where ENTP_TEST_CRDS is unset and needed.

    Raises AssertionError, with the path of the first fault, on a wrong or unknown field, kind or version.
    """
    name = _name(resource)
    kind = (resource["apiVersion"], resource["kind"])
    schemas = _own_schemas() | _given_schemas()
    if kind not in schemas and not os.environ.get("ENTP_TEST_CRDS"):
        pytest.skip(f"ENTP_TEST_CRDS is not set: no schema for {kind[1]}")
    assert kind in schemas, f"{name}: no served CRD has {kind[1]} in {kind[0]}"
    schema = schemas[kind]
    fault = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(_strict(schema)).iter_errors(resource))
    assert fault is None, f"{name}: {_path(fault)}: {fault.message}"
    for message in _repeated_keys(schema, resource, ""):
        raise AssertionError(f"{name}: {message}")
    _validate_metadata(resource)


def _validate_metadata(resource: Json) -> None:
    """CRDs leave `metadata` open because the server checks it itself: check it as that of a built-in kind."""
    carrier = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": resource.get("metadata")}
    try:
        kubernetes_validate.validate(carrier, KUBERNETES_VERSIONS[-1], strict=True)
    except kubernetes_validate.ValidationError as error:
        raise AssertionError(f"{_name(resource)}: {_path(error)}: {error.message}") from None


@functools.cache
def _own_schemas() -> dict[tuple[str, str], Json]:
    return _served_schemas(OWN_CRDS)


def _given_schemas() -> dict[tuple[str, str], Json]:
    folder = os.environ.get("ENTP_TEST_CRDS")
    return _schemas_in(folder) if folder else {}


@functools.cache
def _schemas_in(folder: str) -> dict[tuple[str, str], Json]:
    found: dict[tuple[str, str], Json] = {}
    for path in sorted(Path(folder).glob("*.yaml")):
        found |= _served_schemas(path)
    assert found, f"ENTP_TEST_CRDS={folder} holds no CRD"
    return found


def _served_schemas(path: Path) -> dict[tuple[str, str], Json]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = {}
    for document in yaml.load_all(path.read_text(), Loader=loader):
        if not document or document.get("kind") != "CustomResourceDefinition":
            continue
        spec = document["spec"]
        for version in spec["versions"]:
            if version["served"]:
                key = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                found[key] = _with_type_metadata(version["schema"]["openAPIV3Schema"])
    return found


def _with_type_metadata(schema: Json) -> Json:
    """The root of every resource has these three, whether or not its CRD lists them."""
    text = {"type": "string"}
    given = {name: part for name, part in schema.get("properties", {}).items() if name != "metadata"}
    # Open here, checked by _validate_metadata.
    metadata = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    properties = {"apiVersion": text, "kind": text, **given, "metadata": metadata}
    return {**schema, "properties": properties, "required": [*schema.get("required", []), "metadata"]}


def _strict(schema: Json) -> Json:
    """A structural schema as JSON schema: objects are closed unless they say otherwise."""
    strict = _values(schema)
    if schema.get("x-kubernetes-int-or-string"):
        return {**strict, "type": ["integer", "string"]}
    if "type" in schema:
        strict["type"] = [schema["type"], "null"] if schema.get("nullable") else schema["type"]
    if "properties" in schema:
        strict["properties"] = {name: _strict(part) for name, part in schema["properties"].items()}
    if "items" in schema:
        strict["items"] = _strict(schema["items"])
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return strict
    extra = schema.get("additionalProperties", False)
    if isinstance(extra, dict):
        strict["additionalProperties"] = _strict(extra)
    elif schema.get("type") == "object":
        strict["additionalProperties"] = extra
    return strict


def _values(schema: Json) -> Json:
    """The keywords that judge values. Junctors (allOf, ...) name no new fields, so in them nothing is closed."""
    values = {keyword: schema[keyword] for keyword in COPIED_KEYWORDS if keyword in schema}
    for junctor in ("allOf", "anyOf", "oneOf"):
        if junctor in schema:
            values[junctor] = [_junction(part) for part in schema[junctor]]
    if "not" in schema:
        values["not"] = _junction(schema["not"])
    return values


def _junction(schema: Json) -> Json:
    junction = _values(schema)
    if "type" in schema:
        junction["type"] = schema["type"]
    if "properties" in schema:
        junction["properties"] = {name: _junction(part) for name, part in schema["properties"].items()}
    if "items" in schema:
        junction["items"] = _junction(schema["items"])
    return junction


def _repeated_keys(schema: Json, value: Any, path: str) -> Iterator[str]:
    """Entries that occur twice in lists declared as sets or maps, which the server refuses."""
    if isinstance(value, dict):
        extra = schema.get("additionalProperties")
        for name, part in value.items():
            below = schema.get("properties", {}).get(name, extra)
            if isinstance(below, dict):
                yield from _repeated_keys(below, part, f"{path}.{name}".lstrip("."))
    if not isinstance(value, list):
        return
    seen: list[Any] = []
    for position, entry in enumerate(value):
        identity = _identity(schema, entry)
        if identity is not None and identity in seen:
            yield f"{path}[{position}]: repeats {identity}"
        seen.append(identity)
        yield from _repeated_keys(schema.get("items", {}), entry, f"{path}[{position}]")


def _identity(schema: Json, entry: Any) -> Any:
    """What must be unique in a list: the entry of a set, the key fields of a map entry, nothing else."""
    if schema.get("x-kubernetes-list-type") == "set":
        return entry
    if schema.get("x-kubernetes-list-type") != "map":
        return None
    properties = schema["items"].get("properties", {})
    return {key: entry.get(key, properties.get(key, {}).get("default")) for key in schema["x-kubernetes-list-map-keys"]}


def _group(resource: Json) -> str:
    group, slash, _ = resource["apiVersion"].partition("/")
    return group if slash else ""


def _name(resource: Json) -> str:
    metadata = resource.get("metadata") or {}
    return f"{resource['kind']}/{metadata.get('name', metadata.get('generateName', '?'))}"


def _path(error: Any) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    return "".join(steps).lstrip(".") or "(root)"
