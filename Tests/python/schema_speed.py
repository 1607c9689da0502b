"""How long Python's validators take over documents with their schemas: the peers of `Bench schema`.

Argument: a file with a list of {"schema", "value"}. Answer: a list of {package: seconds per check}, the best of
several series of at least a quarter of a second.
"""

import json
import sys
import time

import fastjsonschema
import jsonschema


def seconds_per_check(check, value):
    best = None
    for _ in range(3):
        runs, start = 0, time.process_time()
        while time.process_time() - start < 0.25:
            check(value)
            runs += 1
        taken = (time.process_time() - start) / runs
        best = taken if best is None else min(best, taken)
    return best


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        samples = json.load(file)
    report = []
    for sample in samples:
        schema, value = sample["schema"], sample["value"]
        # fastjsonschema knows drafts up to 7; what these schemas use means the same there.
        older = {key: part for key, part in schema.items() if key != "$schema"}
        report.append(
            {
                "jsonschema": seconds_per_check(jsonschema.Draft202012Validator(schema).validate, value),
                "fastjsonschema": seconds_per_check(fastjsonschema.compile(older), value),
            }
        )
    print(json.dumps(report))


main()
