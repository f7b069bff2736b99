// How many measurements there are.
from(bucket: bucket)
    |> range(start: time(v: since), stop: time(v: until))
    |> filter(fn: (r) => r._measurement == "ai_job" or r._measurement == "transcoding_job")
    |> filter(fn: (r) => r._field == "seq")
    |> group()
    |> count()
