// The time of the last point of a series in a window, for those who read rows backwards by and by.
points(start: low, stop: high)
    |> filter(fn: (r) => r._field == "seq")
    |> last()
    |> group()
    |> map(fn: (r) => ({_value: int(v: r._time)}))
    |> max()
