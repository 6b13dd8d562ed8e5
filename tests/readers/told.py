"""How readers tell in JSON what they have read."""

import datetime
import decimal
import math


def told_value(value):
    """Of a file: text, booleans and null as they are; whole numbers as decimal text; floating point as numbers, what JSON
    lacks as "NaN", "Infinity", "-Infinity", "-0"; bytes as hex."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if value == 0 and math.copysign(1, value) < 0:
        return "-0"
    return value if math.isfinite(value) else named(value)


def told_row(value):
    """Of a row, a dict: times as ISO 8601 in UTC with milliseconds, dates as YYYY-MM-DD, bytes as hex, integers beyond 2^53
    and what JSON has no number for as text."""
    if isinstance(value, dict):
        return {key: told_row(item) for key, item in value.items()}
    if isinstance(value, list):
        return [told_row(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        # Sums of integers are HUGEINT in DuckDB, which Arrow has as a decimal.
        return told_row(int(value)) if value == value.to_integral_value() else float(value)
    if isinstance(value, int) and abs(value) > 2**53:
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return named(value)
    return value


def named(value):
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
