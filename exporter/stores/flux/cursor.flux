// The last number of one outbox that is stored.
from(bucket: bucket)
    |> range(start: time(v: since), stop: time(v: until))
    |> filter(fn: (r) => r._measurement == "delivery" and r._field == "seq" and r.outbox == outbox)
    |> group()
    |> max()
    |> keep(columns: ["_value"])
