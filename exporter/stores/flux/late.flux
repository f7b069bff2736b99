// Hours in which measurements came after their roll-up may have been made, and not since; with `cleaned`
// all that ever were.
from(bucket: bucket)
    |> range(start: time(v: first), stop: time(v: last))
    |> filter(fn: (r) => r._measurement == "late")
    |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
    |> filter(fn: (r) => cleaned or not exists r.cleaned or r.cleaned != r.mark)
    |> group()
    |> map(fn: (r) => ({start: int(v: r._time), outbox: r.outbox, mark: r.mark}))
