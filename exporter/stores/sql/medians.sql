-- The median of median.sql for each (pipeline, model) apart.
SELECT
    pipeline,
    model,
    quantile_cont(scored_time, 0.5)
FROM asked
WHERE counts AND success_rate = 1 AND scored_time <> 0
GROUP BY pipeline, model
ORDER BY pipeline, model
