import "array"
import "math"

// What the rows that count add up to, for each (orchestrator, region, pipeline, model) and each `every`
// of their starts: rows, success_sum, and for each phase of good jobs and for scored_time the _sum,
// _count, _min, _max and the counts _bucket_N of values above 2^((N-1)/4) up to 2^(N/4) seconds.
// The results are `counts` (integers) and `sums` (floats), with the columns _time, _field, _value.
//
// Parameters: bucket, first and last (whole hours, Unix nanoseconds, the last one outside), every.
//
// All this stands at the top level: inside of a function the row's type is inferred wrongly, and a
// filter fails with "type conflict". A `map` that changes a column by which its table is grouped, with
// a `group` by the same columns after it, counts wrongly: what is grouped anew has a name of its own.
tags = ["orchestrator", "region", "pipeline", "model"]
kinds = ["orchestrator", "region", "pipeline", "model", "_time", "phase"]

bucketOf = (v) => {
    place = if v > 0.0 then math.ceil(x: 4.0 * math.log2(x: v)) else -80.0

    return string(v: int(v: math.mMin(x: 80.0, y: math.mMax(x: -80.0, y: place))))
}

// A row that has every column, so that none is missing where no job has it.
complete =
    array.from(
        rows: [
            {
                orchestrator: "",
                region: "",
                pipeline: "",
                model: "",
                outcome: "",
                started_at: first - 1,
                scored_success: 0.0,
                scored_time: 0.0,
                dns_time: 0.0,
                connect_time: 0.0,
                tls_time: 0.0,
                upload_time: 0.0,
                inference_time: 0.0,
                download_time: 0.0,
                tester_time: 0.0,
                round_trip_time: 0.0,
            },
        ],
    )

found =
    from(bucket: bucket)
        |> range(start: time(v: first), stop: time(v: last))
        |> filter(fn: (r) => r._measurement == "ai_job")
        |> filter(
            fn: (r) =>
                r._field == "started_at" or r._field == "scored_success" or r._field == "scored_time"
                    or r._field == "dns_time" or r._field == "connect_time" or r._field == "tls_time"
                    or r._field == "upload_time" or r._field == "inference_time"
                    or r._field == "download_time" or r._field == "tester_time"
                    or r._field == "round_trip_time",
        )
        |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
        |> drop(columns: ["_start", "_stop", "_time", "_measurement", "origin", "tester"])

// One table: what is computed row by row takes the server long for each table that it begins.
rows =
    union(tables: [found, complete])
        |> group()
        |> filter(fn: (r) => exists r.scored_success and r.started_at >= first)
        |> map(fn: (r) => ({r with _time: time(v: r.started_at - r.started_at % every)}))
good = rows |> filter(fn: (r) => r.outcome == "ok")

only = (tables=<-, name, has, get) =>
    tables
        |> filter(fn: has)
        |> map(
            fn: (r) =>
                ({
                    orchestrator: r.orchestrator,
                    region: r.region,
                    pipeline: r.pipeline,
                    model: r.model,
                    _time: r._time,
                    phase: name,
                    _value: get(r: r),
                }),
        )

times =
    union(
        tables: [
            rows
                |> only(name: "scored_time", has: (r) => exists r.scored_time, get: (r) => r.scored_time),
            good
                |> only(name: "dns_time", has: (r) => exists r.dns_time, get: (r) => r.dns_time),
            good
                |> only(name: "connect_time", has: (r) => exists r.connect_time, get: (r) => r.connect_time),
            good
                |> only(name: "tls_time", has: (r) => exists r.tls_time, get: (r) => r.tls_time),
            good
                |> only(name: "upload_time", has: (r) => exists r.upload_time, get: (r) => r.upload_time),
            good
                |> only(name: "inference_time", has: (r) => exists r.inference_time, get: (r) => r.inference_time),
            good
                |> only(name: "download_time", has: (r) => exists r.download_time, get: (r) => r.download_time),
            good
                |> only(name: "tester_time", has: (r) => exists r.tester_time, get: (r) => r.tester_time),
            good
                |> only(name: "round_trip_time", has: (r) => exists r.round_trip_time, get: (r) => r.round_trip_time),
        ],
    )
        |> group(columns: kinds)
success =
    rows
        |> only(
            name: "success",
            has: (r) => exists r.scored_success,
            get: (r) => r.scored_success,
        )
        |> group(columns: kinds)

named = (tables=<-, suffix) =>
    tables |> group() |> map(fn: (r) => ({r with _field: r.phase + suffix})) |> drop(columns: ["phase"])

counts =
    union(
        tables: [
            success |> count() |> group() |> set(key: "_field", value: "rows") |> drop(columns: ["phase"]),
            times |> count() |> named(suffix: "_count"),
            times
                |> map(fn: (r) => ({r with _field: r.phase + "_bucket_" + bucketOf(v: r._value)}))
                |> group(columns: ["orchestrator", "region", "pipeline", "model", "_time", "_field"])
                |> count()
                |> group(),
        ],
    )
sums =
    union(
        tables: [
            success |> sum() |> named(suffix: "_sum"),
            times |> sum() |> named(suffix: "_sum"),
            times |> min() |> named(suffix: "_min"),
            times |> max() |> named(suffix: "_max"),
        ],
    )
