-- Sums over the rows that count, per group of groups.sql and spelling of its names.
SELECT
    coalesce(spelled_orchestrator, orchestrator) AS spelled,
    region,
    pipeline,
    spelled_pipeline,
    model,
    count(scored_success) AS jobs,
    sum(scored_success),
    count(scored_time),
    coalesce(sum(scored_time), 0)
FROM asked
GROUP BY spelled, region, pipeline, spelled_pipeline, model
HAVING jobs > 0
ORDER BY spelled, region, pipeline, spelled_pipeline NULLS FIRST, model
