// Which hours and days have roll-ups: `done` of an hour, and how many hours of a day were done.
from(bucket: bucket)
    |> range(start: time(v: first), stop: time(v: last))
    |> filter(fn: (r) => r._measurement == "rollup" and r._field == "done")
    |> group()
    |> map(fn: (r) => ({every: r.every, start: int(v: r._time), _value: r._value}))
