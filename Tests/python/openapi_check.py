"""Holds a hub's OpenAPI document and metrics to what others make of them: openapi_check.py URL KEY."""

import sys
import urllib.request

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client.parser import text_string_to_metric_families

import json

url, key = sys.argv[1:3]


def fetch(path):
    request = urllib.request.Request(url + path, headers={"authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.headers, response.read().decode()


document = json.loads(fetch("/openapi.json")[1])
OpenAPIV31SpecValidator(document).validate()
calls = [path for path in document["paths"] if path.startswith(("/v1/call/", "/v1/subscribe/"))]
listed = json.loads(fetch("/v1/operations")[1])["data"]["operations"]
if {path.rsplit("/", 1)[1] for path in calls} != {one["id"] for one in listed}:
    sys.exit("FAILED: the document and the catalogue name different operations")
for one in listed:
    spec = json.loads(fetch(f"/v1/operations/{one['id']}")[1])["data"]
    for schema in (spec["inputSchema"], spec["outputSchema"]):
        Draft202012Validator.check_schema(schema)

headers, text = fetch("/metrics")
if not headers["content-type"].startswith("text/plain; version=0.0.4"):
    sys.exit(f"FAILED: metrics are {headers['content-type']}")
families = {family.name: family for family in text_string_to_metric_families(text)}
for name, kind in {
    "nave_calls": "counter", "nave_call_seconds": "histogram", "nave_links": "gauge", "nave_pool_connections": "gauge",
    "nave_journal_lag_records": "gauge", "nave_spoke_sessions": "gauge", "process_resident_memory_bytes": "gauge",
}.items():
    if name not in families or families[name].type != kind:
        sys.exit(f"FAILED: {name} is not a {kind}: {sorted(families)}")
    if not families[name].samples:
        sys.exit(f"FAILED: {name} has no samples")
buckets = [one for one in families["nave_call_seconds"].samples if one.labels.get("operation") == "operation.schema"]
counts = [one.value for one in buckets if one.name.endswith("_bucket")]
if counts != sorted(counts) or counts[-1] < len(listed):
    sys.exit(f"FAILED: the buckets of operation.schema do not add up: {counts}")
print(f"ok {len(calls)} operations, {len(families)} families")
