-- The rows of both tables after a place, in order of time and id.
SELECT
    time,
    job_id,
    outbox,
    seq,
    payload
FROM (
    SELECT time, job_id, outbox, seq, payload, orchestrator, region, pipeline, model
    FROM ai_job
    UNION ALL
    SELECT time, job_id, outbox, seq, payload, orchestrator, region, pipeline, model
    FROM transcoding_job
)
WHERE
    time BETWEEN $since AND $until
    AND (NOT $addresses_only::BOOLEAN OR regexp_full_match(orchestrator, '0[xX][0-9a-fA-F]{40}'))
    AND ($orchestrator::VARCHAR IS NULL OR orchestrator = $orchestrator)
    AND ($region::VARCHAR IS NULL OR region = $region)
    AND ($pipeline::VARCHAR IS NULL OR pipeline = $pipeline)
    AND ($model::VARCHAR IS NULL OR model = $model)
    AND (time > $after_time OR (time = $after_time AND job_id > $after_id))
ORDER BY time, job_id
LIMIT $limit
