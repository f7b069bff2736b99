// The sums of rolling.flux of a stretch of time that has no roll-up, as one answer.
counts |> yield(name: "counts")
sums |> yield(name: "sums")
