"""The JSON format of the values that readers return."""

import datetime
import decimal
import math


def told_value(value):
    """Converts a value of a file: text, booleans and null are kept; integers and decimals become decimal text; floating point numbers are
    kept, or "NaN", "Infinity", "-Infinity", "-0", which JSON lacks; bytes become hex."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if value == 0 and math.copysign(1, value) < 0:
        return "-0"
    return value if math.isfinite(value) else named(value)


def told_row(value):
    """Converts a row, a dict: times become ISO 8601 in UTC with milliseconds, dates YYYY-MM-DD, bytes hex. Integers beyond
    2^53 and numbers that JSON lacks become text."""
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
        # DuckDB's sums of integers are HUGEINT, which Arrow represents as a decimal.
        return told_row(int(value)) if value == value.to_integral_value() else float(value)
    if isinstance(value, int) and abs(value) > 2**53:
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return named(value)
    return value


def named(value):
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
