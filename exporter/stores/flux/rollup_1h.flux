// Writes the roll-ups of all hours from `first` to before `last`, and then that they are done.
//
// Parameters: bucket, rollup_bucket, first, last (whole hours, Unix nanoseconds), every (an hour).
import "generate"

written = (tables=<-) =>
    tables
        |> set(key: "_measurement", value: "ai_job_1h")
        |> to(bucket: rollup_bucket, tagColumns: tags)
        |> map(fn: (r) => ({_time: r._time, points: 1}))

// Counted after all is written: an hour is done when what it adds up to is there.
union(
    tables: [
        counts |> written(),
        sums |> written(),
        generate.from(
            count: (last - first) / every,
            fn: (n) => 1,
            start: time(v: first),
            stop: time(v: last),
        )
            |> map(fn: (r) => ({_time: r._time, points: 1})),
    ],
)
    |> group(columns: ["_time"])
    |> count(column: "points")
    |> group()
    |> map(
        fn: (r) =>
            ({_time: r._time, _measurement: "rollup", every: "1h", _field: "done", _value: r.points}),
    )
    |> to(bucket: rollup_bucket, tagColumns: ["every"])
