-- Means per (orchestrator, region, pipeline, model) of transcoding.
SELECT
    orchestrator,
    region,
    pipeline,
    model,
    count(*),
    avg(success_rate),
    avg(round_trip_time),
    avg(seg_duration)
FROM transcoding
GROUP BY orchestrator, region, pipeline, model
ORDER BY orchestrator, region, pipeline, model
