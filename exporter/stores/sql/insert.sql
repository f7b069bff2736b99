-- Take over what a batch brought, but for measurements that another outbox, or the same one
-- before it was trimmed, has brought already: they have the same id and time. The same statement
-- with the other table's name takes over results of transcoding.
-- By name, since an upgraded file has its columns in another order.
INSERT INTO ai_job BY NAME
SELECT *
FROM incoming_ai_job AS incoming
WHERE NOT EXISTS (
    SELECT 1
    FROM ai_job AS stored
    WHERE
        -- the bounds let the scan skip all that is older
        stored.time BETWEEN
        (SELECT min(time) FROM incoming_ai_job) AND (SELECT max(time) FROM incoming_ai_job)
        AND stored.time = incoming.time
        AND stored.job_id = incoming.job_id
)
