-- Means per (orchestrator as it was spelled, region, pipeline, model) of transcoding.
SELECT
    coalesce(spelled_orchestrator, orchestrator) AS spelled,
    region,
    pipeline,
    model,
    count(*),
    avg(success_rate),
    avg(round_trip_time),
    avg(seg_duration)
FROM transcoding
GROUP BY spelled, region, pipeline, model
ORDER BY spelled, region, pipeline, model
