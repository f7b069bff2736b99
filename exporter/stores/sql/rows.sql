-- The rows of both tables after a place, in order of time and id.
SELECT *
FROM (
    SELECT time, job_id, outbox, seq, payload FROM asked
    UNION ALL
    SELECT time, job_id, outbox, seq, payload FROM transcoding
)
WHERE time > $after_time OR (time = $after_time AND job_id > $after_id)
ORDER BY time, job_id
LIMIT $limit
