// Writes the roll-ups of all days (UTC) from `first` to before `last` from those of their hours, and
// then how many hours of each were done.
//
// Parameters: rollup_bucket, first, last (whole days, Unix nanoseconds), every (a day).
import "generate"

tags = ["orchestrator", "region", "pipeline", "model"]

hours = () =>
    from(bucket: rollup_bucket)
        |> range(start: time(v: first), stop: time(v: last))
        |> filter(fn: (r) => r._measurement == "ai_job_1h")

daily = (tables=<-, fn) =>
    tables
        |> aggregateWindow(every: 1d, fn: fn, createEmpty: false, timeSrc: "_start")
        |> group()
        |> set(key: "_measurement", value: "ai_job_1d")
        |> to(bucket: rollup_bucket, tagColumns: tags)
        |> map(fn: (r) => ({_time: r._time, hours: 0}))

done =
    from(bucket: rollup_bucket)
        |> range(start: time(v: first), stop: time(v: last))
        |> filter(fn: (r) => r._measurement == "rollup" and r.every == "1h" and r._field == "done")
        |> map(fn: (r) => ({_time: time(v: int(v: r._time) - int(v: r._time) % every), hours: 1}))

union(
    tables: [
        hours() |> filter(fn: (r) => r._field =~ /(^rows|_count|_bucket_-?[0-9]+)$/) |> daily(fn: sum),
        hours() |> filter(fn: (r) => r._field =~ /_sum$/) |> daily(fn: sum),
        hours() |> filter(fn: (r) => r._field =~ /_min$/) |> daily(fn: min),
        hours() |> filter(fn: (r) => r._field =~ /_max$/) |> daily(fn: max),
        done,
        generate.from(
            count: (last - first) / every,
            fn: (n) => 0,
            start: time(v: first),
            stop: time(v: last),
        )
            |> map(fn: (r) => ({_time: r._time, hours: 0})),
    ],
)
    |> group(columns: ["_time"])
    |> sum(column: "hours")
    |> group()
    |> map(
        fn: (r) =>
            ({_time: r._time, _measurement: "rollup", every: "1d", _field: "done", _value: r.hours}),
    )
    |> to(bucket: rollup_bucket, tagColumns: ["every"])
