-- Means per (orchestrator, region, pipeline, model) over the rows that count.
SELECT
    orchestrator,
    region,
    pipeline,
    model,
    count(*) AS jobs,
    avg(success_rate) AS success_rate,
    avg(scored_time) AS round_trip_time
FROM asked
WHERE counts
GROUP BY orchestrator, region, pipeline, model
ORDER BY orchestrator, region, pipeline, model
