"""What NetworkPolicies let through, between pods given as (namespace, labels)."""

import ipaddress
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    namespace: str
    labels: dict[str, str] = field(default_factory=dict)


def matches(selector: Json, labels: dict[str, str]) -> bool:
    """Whether a label selector picks these labels. The empty selector picks everything."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions", []))


def may_reach(policies: list[Json], source: Pod, target: Pod | str, port: int, protocol: str = "TCP") -> bool:
    """Whether the source's egress and the target's ingress rules let a connection through; a `str` is an address."""
    if not _lets("Egress", "egress", "to", policies, source, target, port, protocol):
        return False
    return isinstance(target, str) or _lets("Ingress", "ingress", "from", policies, target, source, port, protocol)


def _lets(
    direction: str, rules: str, peers: str, policies: list[Json], pod: Pod, other: Pod | str, port: int, protocol: str
) -> bool:
    selecting = [
        policy
        for policy in policies
        if policy["metadata"]["namespace"] == pod.namespace
        and direction in policy["spec"]["policyTypes"]
        and matches(policy["spec"]["podSelector"], pod.labels)
    ]
    if not selecting:
        return True
    return any(
        _admits(rule, peers, policy["metadata"]["namespace"], other, port, protocol)
        for policy in selecting
        for rule in policy["spec"].get(rules, [])
    )


def _admits(rule: Json, peers: str, namespace: str, other: Pod | str, port: int, protocol: str) -> bool:
    ports = rule.get("ports")
    if ports and not any(entry["port"] == port and entry.get("protocol", "TCP") == protocol for entry in ports):
        return False
    return peers not in rule or any(_is_peer(peer, namespace, other) for peer in rule[peers])


def _is_peer(peer: Json, namespace: str, other: Pod | str) -> bool:
    if "ipBlock" in peer:
        return isinstance(other, str) and _in_block(peer["ipBlock"], other)
    if isinstance(other, str) or not matches(peer.get("podSelector", {}), other.labels):
        return False
    if "namespaceSelector" not in peer:
        return other.namespace == namespace
    return matches(peer["namespaceSelector"], {"kubernetes.io/metadata.name": other.namespace})


def _in_block(block: Json, address: str) -> bool:
    ip = ipaddress.ip_address(address)
    excluded = any(ip in ipaddress.ip_network(part) for part in block.get("except", []))
    return ip in ipaddress.ip_network(block["cidr"]) and not excluded


def _holds(expression: Json, labels: dict[str, str]) -> bool:
    key, operator = expression["key"], expression["operator"]
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    inside = labels.get(key) in expression["values"]
    return inside if operator == "In" else not inside
