// How many rows newest.flux has of each region.
total(field: "seq", by: ["region"], fn: count)
