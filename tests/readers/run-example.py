"""Runs Python examples of the documentation, one after the other, and prints a JSON array with what some names stand for then.

usage: run-example.py NAMES EXAMPLE…

NAMES are Python expressions, separated by commas. Environment: as read-lake.py.
"""

import json
import os
import sys

_, names, *examples = sys.argv
scope = {}
for example in examples:
    exec(example, scope)
json.dump([eval(name, scope) for name in names.split(",")], sys.stdout)
# Threads that Arrow has still running make a clean end abort now and then.
sys.stdout.flush()
os._exit(0)
