// Which hours and days have roll-ups: `done` of an hour, and how many hours of a day were done; `settled`
// is the same of a day that no task writes any more.
from(bucket: bucket)
    |> range(start: time(v: first), stop: time(v: last))
    |> filter(fn: (r) => r._measurement == "rollup")
    |> group()
    |> map(fn: (r) => ({every: r.every, _field: r._field, start: int(v: r._time), _value: r._value}))
