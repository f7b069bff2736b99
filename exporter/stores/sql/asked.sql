-- The rows that a question is about: `asked` of the other files; with the other table's name they are
-- `transcoding`, the results of transcoding.
SELECT *
FROM ai_job
WHERE
    time BETWEEN $since AND $until
    AND (
        NOT $addresses_only::BOOLEAN
        OR origin <> 'own'
        OR regexp_full_match(orchestrator, '0[xX][0-9a-fA-F]{40}')
    )
    AND ($orchestrator::VARCHAR IS NULL OR orchestrator = $orchestrator)
    AND ($region::VARCHAR IS NULL OR region = $region)
    AND ($pipeline::VARCHAR IS NULL OR pipeline = $pipeline)
    AND ($model::VARCHAR IS NULL OR model = $model)
