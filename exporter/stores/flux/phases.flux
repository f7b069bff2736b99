// The rows that count, with outcome, scores and phases. Statistics of phases are computed of them, and
// roll-ups: inside of the server that takes minutes where there are 1,000 targets.
//
// Parameters: bucket, first, last (whole seconds, Unix nanoseconds, the last one outside), and those of
// narrow.flux.
from(bucket: bucket)
    |> range(start: time(v: first), stop: time(v: last))
    |> filter(fn: (r) => r._measurement == "ai_job")
    |> narrow()
    |> filter(
        fn: (r) =>
            r._field == "started_at" or r._field == "scored_success" or r._field == "scored_time"
                or r._field == "dns_time" or r._field == "connect_time" or r._field == "tls_time"
                or r._field == "upload_time" or r._field == "inference_time"
                or r._field == "download_time" or r._field == "tester_time"
                or r._field == "round_trip_time",
    )
    |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
    |> filter(fn: (r) => exists r.scored_success)
    |> drop(columns: ["_start", "_stop", "_time", "_measurement", "origin", "tester"])
    |> group()
