-- Take over what a batch brought, but for measurements that another outbox, or the same one
-- before it was trimmed, has brought already: they have the same id and time.
INSERT INTO ai_job
SELECT *
FROM incoming
WHERE NOT EXISTS (
    SELECT 1
    FROM ai_job AS stored
    WHERE stored.time = incoming.time AND stored.job_id = incoming.job_id
)
