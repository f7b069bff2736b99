// How long each phase took in the good jobs that count.
by = ["orchestrator", "region", "pipeline", "model", "phase"]

good =
    points(start: since, stop: until + slack)
        |> filter(fn: (r) => r.outcome == "ok")
        |> filter(
            fn: (r) =>
                r._field == "started_at" or r._field == "scored_success" or r._field == "dns_time"
                    or r._field == "connect_time" or r._field == "tls_time"
                    or r._field == "upload_time" or r._field == "inference_time"
                    or r._field == "download_time" or r._field == "tester_time"
                    or r._field == "round_trip_time",
        )
        |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
        |> filter(
            fn: (r) => exists r.scored_success and r.started_at >= since and r.started_at <= until,
        )

only = (phase) =>
    good
        |> rename(fn: (column) => if column == phase then "_value" else column)
        |> filter(fn: (r) => exists r._value)
        |> keep(columns: ["orchestrator", "region", "pipeline", "model", "_value"])
        |> set(key: "phase", value: phase)

times =
    union(
        tables: [
            only(phase: "dns_time"),
            only(phase: "connect_time"),
            only(phase: "tls_time"),
            only(phase: "upload_time"),
            only(phase: "inference_time"),
            only(phase: "download_time"),
            only(phase: "tester_time"),
            only(phase: "round_trip_time"),
        ],
    )
        |> group(columns: by)

times |> count() |> group() |> yield(name: "count")
times |> mean() |> group() |> yield(name: "mean")
times |> min() |> group() |> yield(name: "least")
times |> max() |> group() |> yield(name: "most")
times |> quantile(q: 0.5, method: "exact_mean") |> group() |> yield(name: "p50")
times |> quantile(q: 0.9, method: "exact_mean") |> group() |> yield(name: "p90")
times |> quantile(q: 0.99, method: "exact_mean") |> group() |> yield(name: "p99")
