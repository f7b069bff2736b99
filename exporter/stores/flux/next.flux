// The time of the first point of a series from a moment on, for those who read rows by and by.
points(start: low, stop: high)
    |> filter(fn: (r) => r._field == "seq")
    |> first()
    |> group()
    |> map(fn: (r) => ({_value: int(v: r._time)}))
    |> min()
