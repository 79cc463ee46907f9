"""When two readings are one: the same measure brought by two devices, by two apps, or by an app and a person.

They are when each comes from another source (author or device), when both instants lie within `TOLERANCE`, and when
the values, in the unit of the kind, are equal at its precision (`Kind.decimals`). Decimals as written tell nothing of
the precision of a device: JSON writes 72.0 as 72. Within a run of such readings the nth of a source is the nth of
another, so that the order of arrival changes nothing, and a device that repeats a value is never merged with itself.
Near values are kept apart, and nothing is deleted: each measure stays as it was written, for the app that wrote it.
"""

from datetime import timedelta

TOLERANCE = timedelta(minutes=1)
