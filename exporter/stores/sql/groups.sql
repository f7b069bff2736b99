-- Means per (orchestrator, region, pipeline, model) over the rows that count: those with a
-- `scored_success`.
SELECT
    orchestrator,
    region,
    pipeline,
    model,
    count(scored_success) AS jobs,
    avg(scored_success) AS success_rate,
    avg(scored_time) AS round_trip_time
FROM asked
GROUP BY orchestrator, region, pipeline, model
HAVING jobs > 0
ORDER BY orchestrator, region, pipeline, model
