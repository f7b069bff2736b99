// The rows of a series after a place, in order of time and id.
whole(
    fields: (r) =>
        r._field == "started_at" or r._field == "job_id" or r._field == "seq" or r._field == "outbox"
            or r._field == "payload",
)
    |> filter(
        fn: (r) => r.started_at > after_time or r.started_at == after_time and r.job_id > after_id,
    )
    |> group()
    |> sort(columns: ["started_at", "job_id"])
    |> limit(n: most)
    |> keep(columns: ["started_at", "job_id", "seq", "outbox", "payload"])
