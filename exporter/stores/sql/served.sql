-- Which (pipeline, model, region) have rows that count.
SELECT DISTINCT
    pipeline,
    model,
    region
FROM asked
WHERE scored_success IS NOT NULL
ORDER BY pipeline, model, region
