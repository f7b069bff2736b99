// How many failures of one target, tested by one tester in one region, come after its last success.
from(bucket: bucket)
    |> range(start: time(v: since), stop: time(v: until))
    |> filter(fn: (r) => r._measurement == series and r._field == "failure_seq")
    |> filter(fn: (r) => r.orchestrator == orchestrator and r.pipeline == pipeline)
    |> filter(fn: (r) => r.model == model and r.region == region and r.tester == tester)
    |> filter(fn: (r) => r._value > last_good and r._value <= upto)
    |> group()
    |> count()
