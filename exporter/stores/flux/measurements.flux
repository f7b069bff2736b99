// The measurements themselves, newest first, whether they count or not.
whole(
    fields: (r) =>
        r._field == "started_at" or r._field == "seq" or r._field == "outbox" or r._field == "payload",
)
    |> group()
    |> sort(columns: ["started_at", "seq", "outbox"], desc: true)
    |> limit(n: most)
    |> keep(columns: ["payload"])
