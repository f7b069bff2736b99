-- The median of median.sql for each (pipeline, model) apart.
SELECT
    pipeline,
    model,
    quantile_cont(median_time, 0.5)
FROM asked
WHERE median_time IS NOT NULL
GROUP BY pipeline, model
ORDER BY pipeline, model
