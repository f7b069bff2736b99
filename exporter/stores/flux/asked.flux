// The rows that a question is about, for the other files. A window is compared with `started_at`,
// not with the time of the point, which is in the same second: so points of the seconds at the two
// ends are looked at one by one, and those between are left to the storage engine.
//
// Parameters: bucket, series, since, until (Unix nanoseconds, both inside), low and high (the whole
// seconds around them), and those of narrow.flux.
second = 1000000000
wide = high - low > 2 * second

points = (start, stop) =>
    from(bucket: bucket)
        |> range(start: time(v: start), stop: time(v: stop))
        |> filter(fn: (r) => r._measurement == series)
        |> narrow()

inside = (field) =>
    points(start: low + second, stop: high - second)
        |> filter(fn: (r) => r._field == field)

edge = (field, start, stop) =>
    points(start: start, stop: stop)
        |> filter(fn: (r) => r._field == field or r._field == "started_at")
        |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
        |> rename(fn: (column) => if column == field then "_value" else column)
        |> filter(fn: (r) => exists r._value and r.started_at >= since and r.started_at <= until)

// The values of one field, each with its tags.
values = (field) =>
    if wide then
        union(
            tables: [
                inside(field: field),
                edge(field: field, start: low, stop: low + second),
                edge(field: field, start: high - second, stop: high),
            ],
        )
    else
        edge(field: field, start: low, stop: high)

// What `fn`, count or sum, gives over the values of one field for each group of tags.
total = (field, by, fn) =>
    if wide then
        union(
            tables: [
                inside(field: field) |> group(columns: by) |> fn(),
                edge(field: field, start: low, stop: low + second) |> group(columns: by) |> fn(),
                edge(field: field, start: high - second, stop: high) |> group(columns: by) |> fn(),
            ],
        )
            |> group(columns: by)
            |> sum()
            |> group()
    else
        edge(field: field, start: low, stop: high)
            |> group(columns: by)
            |> fn()
            |> group()

// Whole points of the window with some of their fields as columns.
whole = (fields) =>
    points(start: low, stop: high)
        |> filter(fn: fields)
        |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
        |> filter(fn: (r) => r.started_at >= since and r.started_at <= until)
