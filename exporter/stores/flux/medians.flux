// The median of median.flux for each (pipeline, model) apart.
values(field: "median_time")
    |> keep(columns: ["pipeline", "model", "_value"])
    |> group(columns: ["pipeline", "model"])
    |> quantile(q: 0.5, method: "exact_mean")
    |> group()
