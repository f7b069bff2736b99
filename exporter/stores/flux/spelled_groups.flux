// What groups.flux adds up, apart by how the names are spelled; both spellings are tags that most rows lack.
by = ["orchestrator", "spelled_orchestrator", "region", "pipeline", "spelled_pipeline", "model"]

total(field: "scored_success", by: by, fn: count) |> yield(name: "rows")
total(field: "scored_success", by: by, fn: sum) |> yield(name: "success")
total(field: "scored_time", by: by, fn: count) |> yield(name: "timed")
total(field: "scored_time", by: by, fn: sum) |> yield(name: "time")
