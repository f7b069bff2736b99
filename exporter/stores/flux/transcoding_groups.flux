// What transcoding_groups.sql takes means of, per (orchestrator as it is spelled, region, pipeline,
// model).
by = ["orchestrator", "spelled_orchestrator", "region", "pipeline", "model"]

total(field: "success_rate", by: by, fn: count) |> yield(name: "rows")
total(field: "success_rate", by: by, fn: sum) |> yield(name: "success_rate")
total(field: "round_trip_time", by: by, fn: sum) |> yield(name: "round_trip_time")
total(field: "seg_duration", by: by, fn: sum) |> yield(name: "seg_duration")
