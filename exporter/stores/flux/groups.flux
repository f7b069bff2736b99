// What groups.sql takes means of, per (orchestrator, region, pipeline, model): rows that count and the
// sums of their success rates and scored times.
by = ["orchestrator", "region", "pipeline", "model"]

total(field: "scored_success", by: by, fn: count) |> yield(name: "rows")
total(field: "scored_success", by: by, fn: sum) |> yield(name: "success")
total(field: "scored_time", by: by, fn: count) |> yield(name: "timed")
total(field: "scored_time", by: by, fn: sum) |> yield(name: "time")
