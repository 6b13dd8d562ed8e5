"""Runs Python examples of the documentation in order, then prints a JSON array with the values of some names.

usage: run-example.py NAMES EXAMPLE…

NAMES are Python expressions, separated by commas. Environment: see read-lake.py.
"""

import json
import os
import sys

_, names, *examples = sys.argv
scope = {}
for example in examples:
    exec(example, scope)
json.dump([eval(name, scope) for name in names.split(",")], sys.stdout)
# With threads of Arrow still running, a normal exit sometimes aborts.
sys.stdout.flush()
os._exit(0)
