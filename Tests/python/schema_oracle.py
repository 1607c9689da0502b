"""What the Python package jsonschema says of schemas and values: the oracle of SchemaOracleTests.

Argument: a file with a list of {"schema", "values"}. Answer: for each, a list of whether each value fits, or null
where the package itself gives up.
"""

import json
import sys

from jsonschema import Draft202012Validator


def answers(case):
    validator = Draft202012Validator(case["schema"])
    try:
        return [validator.is_valid(value) for value in case["values"]]
    except Exception:  # Its own limits, such as patterns that Python's engine does not know.
        return None


with open(sys.argv[1], encoding="utf-8") as file:
    cases = json.load(file)
print(json.dumps([answers(case) for case in cases]))
