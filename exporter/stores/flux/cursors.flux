// Every outbox with the last number that is stored.
from(bucket: bucket)
    |> range(start: time(v: since), stop: time(v: until))
    |> filter(fn: (r) => r._measurement == "delivery" and r._field == "seq")
    |> group(columns: ["outbox"])
    |> max()
    |> group()
    |> keep(columns: ["outbox", "_value"])
