// The rows that a question is about, for the other files. A window is compared with `started_at`,
// not with the time of the point, which lies less than `slack` after it: so points near the two
// ends are looked at one by one, and those between are left to the storage engine.
//
// Parameters: bucket, series, since, until (Unix nanoseconds, both inside), slack, and
// those of narrow.flux.

points = (start, stop) =>
    from(bucket: bucket)
        |> range(start: time(v: start), stop: time(v: stop))
        |> filter(fn: (r) => r._measurement == series)
        |> narrow()

inside = (field) =>
    points(start: since + slack, stop: until + 1)
        |> filter(fn: (r) => r._field == field)

edge = (field, start, stop) =>
    points(start: start, stop: stop)
        |> filter(fn: (r) => r._field == field or r._field == "started_at")
        |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
        |> rename(fn: (column) => if column == field then "_value" else column)
        |> filter(fn: (r) => exists r._value and r.started_at >= since and r.started_at <= until)

wide = until - since > slack

// The values of one field, each with its tags.
values = (field) =>
    if wide then
        union(
            tables: [
                inside(field: field),
                edge(field: field, start: since, stop: since + slack),
                edge(field: field, start: until + 1, stop: until + slack),
            ],
        )
    else
        edge(field: field, start: since, stop: until + slack)

// What `fn`, count or sum, gives over the values of one field for each group of tags.
total = (field, by, fn) =>
    if wide then
        union(
            tables: [
                inside(field: field) |> group(columns: by) |> fn(),
                edge(field: field, start: since, stop: since + slack) |> group(columns: by) |> fn(),
                edge(field: field, start: until + 1, stop: until + slack) |> group(columns: by) |> fn(),
            ],
        )
            |> group(columns: by)
            |> sum()
            |> group()
    else
        edge(field: field, start: since, stop: until + slack)
            |> group(columns: by)
            |> fn()
            |> group()

// Whole points of the window with some of their fields as columns.
whole = (fields) =>
    points(start: since, stop: until + slack)
        |> filter(fn: fields)
        |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
        |> filter(fn: (r) => r.started_at >= since and r.started_at <= until)
