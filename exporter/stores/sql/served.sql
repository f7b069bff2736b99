-- Which (pipeline, model, region) have rows that count, apart by how the pipeline is spelled.
SELECT DISTINCT
    pipeline,
    model,
    region,
    spelled_pipeline
FROM asked
WHERE scored_success IS NOT NULL
ORDER BY pipeline, model, region, spelled_pipeline NULLS FIRST
