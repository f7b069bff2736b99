// Which (pipeline, model, region) have rows that count, apart by how the pipeline is spelled.
total(field: "scored_success", by: ["pipeline", "model", "region", "spelled_pipeline"], fn: count)
