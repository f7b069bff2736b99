-- Which (pipeline, model, region) have rows that count.
SELECT DISTINCT
    pipeline,
    model,
    region
FROM asked
WHERE counts
ORDER BY pipeline, model, region
