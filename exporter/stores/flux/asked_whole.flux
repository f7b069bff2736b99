// What asked.flux is for windows of whole seconds, which have no points to be looked at one by one.
points = (start, stop) =>
    from(bucket: bucket)
        |> range(start: time(v: start), stop: time(v: stop))
        |> filter(fn: (r) => r._measurement == series)
        |> narrow()

values = (field) =>
    points(start: low, stop: high)
        |> filter(fn: (r) => r._field == field)

total = (field, by, fn) =>
    values(field: field)
        |> group(columns: by)
        |> fn()
        |> group()

whole = (fields) =>
    points(start: low, stop: high)
        |> filter(fn: fields)
        |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
