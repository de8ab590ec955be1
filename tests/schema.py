# SPDX-License-Identifier: GPL-2.0-only
"""Holds documents against docs/lockvane.schema.json: strictly, so that a field that the schema does not have is a
fault. To readers it is none, as fields may be added."""
import copy
import json
from pathlib import Path

from jsonschema import Draft202012Validator

SCHEMA = json.loads((Path(__file__).resolve().parent.parent / 'docs/lockvane.schema.json').read_text())


def strict(part):
    """The same, with no other fields allowed."""
    if isinstance(part, dict):
        part = {key: strict(value) for key, value in part.items()}
        if 'properties' in part and part.get('type') == 'object':
            part.setdefault('additionalProperties', False)
    elif isinstance(part, list):
        part = [strict(value) for value in part]
    return part


STRICT = strict(copy.deepcopy(SCHEMA))


def faults(document, kind):
    """The faults of a document of that kind ("report", "findings", ...), a line each."""
    validator = Draft202012Validator({**STRICT, 'anyOf': [{'$ref': f'#/$defs/{kind}'}]})
    found = []
    for error in validator.iter_errors(document):
        deepest = min(error.context or [error], key=lambda e: -len(e.absolute_path))
        found.append(f'{"/".join(map(str, deepest.absolute_path))}: {deepest.message[:200]}')
    return found
