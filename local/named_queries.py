"""Athena's saved queries in CloudFormation templates, which MiniStack knows by API only."""

import json

from ministack.services import athena
from ministack.services.cloudformation import provisioners


def install():
    provisioners._RESOURCE_HANDLERS.setdefault("AWS::Athena::NamedQuery", {
        "create": _create, "update": _update, "delete": _delete})


def _create(_logical_id, properties, _stack_name):
    if properties.get("WorkGroup", "primary") not in athena._workgroups:
        raise ValueError(f"WorkGroup {properties['WorkGroup']} is not found.")
    _status, _headers, body = athena._create_named_query(properties)
    query_id = json.loads(body)["NamedQueryId"]
    return query_id, {"NamedQueryId": query_id}


def _update(physical_id, _old, new, stack_name):
    """Every property of a saved query replaces it."""
    _delete(physical_id, new)
    return _create(physical_id, new, stack_name)


def _delete(physical_id, _properties):
    athena._named_queries.pop(physical_id, None)
