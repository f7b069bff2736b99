-- Means per (orchestrator, region, pipeline, model) over the rows that count.
SELECT
    orchestrator,
    region,
    pipeline,
    model,
    count(*) AS attempts,
    avg(success_rate) AS success_rate,
    avg(round_trip_time) AS round_trip_time
FROM ai_job
WHERE
    (outcome = 'ok' OR blame = 'orchestrator' OR origin <> 'own')
    AND time BETWEEN $since AND $until
    AND (NOT $addresses_only::BOOLEAN OR regexp_full_match(orchestrator, '0[xX][0-9a-fA-F]{40}'))
    AND ($orchestrator::VARCHAR IS NULL OR orchestrator = $orchestrator)
    AND ($region::VARCHAR IS NULL OR region = $region)
    AND ($pipeline::VARCHAR IS NULL OR pipeline = $pipeline)
    AND ($model::VARCHAR IS NULL OR model = $model)
GROUP BY orchestrator, region, pipeline, model
ORDER BY orchestrator, region, pipeline, model
