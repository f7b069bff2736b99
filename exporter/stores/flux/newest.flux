// The rows of a series before a turn, newest first, whether they count or not.
whole(
    fields: (r) =>
        r._field == "started_at" or r._field == "seq" or r._field == "outbox" or r._field == "payload",
)
    |> filter(
        fn: (r) =>
            r.started_at < before_time
                or r.started_at == before_time and (r.seq < before_seq
                or r.seq == before_seq and r.outbox < before_outbox),
    )
    |> group()
    |> sort(columns: ["started_at", "seq", "outbox"], desc: true)
    |> limit(n: most)
    |> keep(columns: ["started_at", "seq", "outbox", "payload"])
