// What groups.flux adds up, of the stored roll-ups of a stretch of time.
//
// Parameters: bucket (of the roll-ups), series (ai_job_1h or ai_job_1d), first, last, and those of
// narrow.flux.
by = ["orchestrator", "region", "pipeline", "model"]

summed = (field) =>
    from(bucket: bucket)
        |> range(start: time(v: first), stop: time(v: last))
        |> filter(fn: (r) => r._measurement == series and r._field == field)
        |> narrow()
        |> group(columns: by)
        |> sum()
        |> group()

summed(field: "rows") |> yield(name: "rows")
summed(field: "success_sum") |> yield(name: "success")
summed(field: "scored_time_count") |> yield(name: "timed")
summed(field: "scored_time_sum") |> yield(name: "time")
