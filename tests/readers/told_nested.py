"""The JSON format of nested values of Arrow. Spark's Python has no Arrow, so they are not in told.py."""

import datetime

import pyarrow as pa
from told import told_value


def told_nested(value, kind):
    """Converts a value of a nested Arrow type: structs become objects, lists stay lists, maps become lists of pairs. Times are
    in microseconds, dates in days since 1970-01-01; other values as in told_value."""
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return {field.name: told_nested(value[field.name], field.type) for field in kind}
    if pa.types.is_map(kind):
        return [[told_nested(key, kind.key_type), told_nested(item, kind.item_type)] for key, item in value]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [told_nested(item, kind.value_type) for item in value]
    if isinstance(value, datetime.datetime):
        return str((value - datetime.datetime(1970, 1, 1, tzinfo=value.tzinfo)) // datetime.timedelta(microseconds=1))
    if isinstance(value, datetime.date):
        return str((value - datetime.date(1970, 1, 1)).days)
    return told_value(value)
