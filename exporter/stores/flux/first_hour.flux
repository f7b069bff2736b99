// The time of the first point there is, at or after 1970.
from(bucket: bucket)
    |> range(start: 1970-01-01T00:00:00Z, stop: time(v: until))
    |> filter(fn: (r) => r._measurement == "ai_job" and r._field == "seq")
    |> first()
    |> group()
    |> map(fn: (r) => ({_value: int(v: r._time)}))
    |> min()
