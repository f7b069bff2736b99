-- The median of median.sql for each (pipeline, model) apart.
SELECT
    pipeline,
    model,
    quantile_cont(round_trip_time, 0.5)
FROM ai_job
WHERE
    (outcome = 'ok' OR blame = 'orchestrator' OR origin <> 'own')
    AND success_rate = 1
    AND round_trip_time <> 0
    AND time BETWEEN $since AND $until
    AND (NOT $addresses_only::BOOLEAN OR regexp_full_match(orchestrator, '0[xX][0-9a-fA-F]{40}'))
    AND ($orchestrator::VARCHAR IS NULL OR orchestrator = $orchestrator)
    AND ($region::VARCHAR IS NULL OR region = $region)
    AND ($pipeline::VARCHAR IS NULL OR pipeline = $pipeline)
    AND ($model::VARCHAR IS NULL OR model = $model)
GROUP BY pipeline, model
ORDER BY pipeline, model
