// What the stored roll-ups of a stretch of time add up to, per group and field.
//
// Parameters: bucket (of the roll-ups), series (ai_job_1h or ai_job_1d), first, last, and those of
// narrow.flux.
by = ["orchestrator", "region", "pipeline", "model", "_field"]

stored = () =>
    from(bucket: bucket)
        |> range(start: time(v: first), stop: time(v: last))
        |> filter(fn: (r) => r._measurement == series)
        |> narrow()

stored()
    |> filter(fn: (r) => r._field =~ /(^rows|_count|_bucket_-?[0-9]+)$/)
    |> group(columns: by)
    |> sum()
    |> group()
    |> yield(name: "counts")
stored()
    |> filter(fn: (r) => r._field =~ /_sum$/)
    |> group(columns: by)
    |> sum()
    |> group()
    |> yield(name: "sums")
stored()
    |> filter(fn: (r) => r._field =~ /_min$/)
    |> group(columns: by)
    |> min()
    |> group()
    |> yield(name: "least")
stored()
    |> filter(fn: (r) => r._field =~ /_max$/)
    |> group(columns: by)
    |> max()
    |> group()
    |> yield(name: "most")
