-- The measurements themselves, newest first, whether they count or not.
SELECT payload
FROM ai_job
WHERE
    time BETWEEN $since AND $until
    AND ($orchestrator::VARCHAR IS NULL OR orchestrator = $orchestrator)
    AND ($region::VARCHAR IS NULL OR region = $region)
    AND ($pipeline::VARCHAR IS NULL OR pipeline = $pipeline)
    AND ($model::VARCHAR IS NULL OR model = $model)
ORDER BY time DESC, seq DESC, outbox DESC
LIMIT $limit
