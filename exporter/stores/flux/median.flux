// Exact median of the `median_time` of all rows; no row gives no table.
values(field: "median_time")
    |> keep(columns: ["_value"])
    |> quantile(q: 0.5, method: "exact_mean")
