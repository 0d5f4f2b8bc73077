"""S3 Tables as AWS's own: MiniStack gives out version tokens and never looks at them again.

A table has one token until its metadata location moves; a move that names another one is a conflict. A table that is
created without a schema has no metadata yet.
"""

import threading

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import s3tables

_lock = threading.Lock()


def install():
    create = s3tables._create_table

    def create_table(bucket_arn, namespace, data):
        answer = create(bucket_arn, namespace, data)
        table = _find(bucket_arn, namespace, data.get("name", ""))
        if answer[0] == 200 and "metadata" not in data and table is not None:
            table["metadataLocation"] = None
        return answer

    s3tables._create_table = create_table
    s3tables._get_table_metadata_location = _get_metadata_location
    s3tables._update_table_metadata_location = _update_metadata_location


def _find(bucket_arn, namespace, name):
    arn = s3tables._existing_bucket_arn(bucket_arn)
    return s3tables._tables.get(s3tables._table_key(arn, namespace, name)) if arn else None


def _get_metadata_location(bucket_arn, namespace, name):
    table = _find(bucket_arn, namespace, name)
    if table is None:
        return error_response_json("NotFoundException", f"Table {name} not found", 404)
    told = {"versionToken": table["versionToken"], "warehouseLocation": table["warehouseLocation"]}
    if table["metadataLocation"] is not None:
        told["metadataLocation"] = table["metadataLocation"]
    return json_response(told)


def _update_metadata_location(bucket_arn, namespace, name, data):
    with _lock:
        table = _find(bucket_arn, namespace, name)
        if table is None:
            return error_response_json("NotFoundException", f"Table {name} not found", 404)
        if data.get("versionToken") != table["versionToken"]:
            return error_response_json("ConflictException", "The version token is not the table's", 409)
        table["metadataLocation"] = data.get("metadataLocation", "")
        table["versionToken"] = new_uuid()
        return json_response({
            "metadataLocation": table["metadataLocation"], "name": name, "versionToken": table["versionToken"],
            "namespace": table["namespace"], "tableARN": table["tableARN"]})
