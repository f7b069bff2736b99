// How long each phase took in the good jobs that count.
by = ["orchestrator", "region", "pipeline", "model", "phase"]

good =
    points(start: low, stop: high)
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

only = (phase, has, get) =>
    good
        |> filter(fn: has)
        |> map(
            fn: (r) =>
                ({
                    orchestrator: r.orchestrator,
                    region: r.region,
                    pipeline: r.pipeline,
                    model: r.model,
                    phase: phase,
                    _value: get(r: r),
                }),
        )

times =
    union(
        tables: [
            only(phase: "dns_time", has: (r) => exists r.dns_time, get: (r) => r.dns_time),
            only(phase: "connect_time", has: (r) => exists r.connect_time, get: (r) => r.connect_time),
            only(phase: "tls_time", has: (r) => exists r.tls_time, get: (r) => r.tls_time),
            only(phase: "upload_time", has: (r) => exists r.upload_time, get: (r) => r.upload_time),
            only(phase: "inference_time", has: (r) => exists r.inference_time, get: (r) => r.inference_time),
            only(phase: "download_time", has: (r) => exists r.download_time, get: (r) => r.download_time),
            only(phase: "tester_time", has: (r) => exists r.tester_time, get: (r) => r.tester_time),
            only(phase: "round_trip_time", has: (r) => exists r.round_trip_time, get: (r) => r.round_trip_time),
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
