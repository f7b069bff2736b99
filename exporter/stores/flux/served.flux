// Which (pipeline, model, region) have rows that count.
total(field: "scored_success", by: ["pipeline", "model", "region"], fn: count)
