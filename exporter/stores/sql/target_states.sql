-- What the rows of each target, per region and tester, add up to. A row comes after another by
-- time, then by its number in the outbox.
WITH success AS (
    SELECT
        orchestrator,
        pipeline,
        model,
        region,
        tester,
        max(row(time, seq, outbox)) AS latest,
        max(time) AS latest_time
    FROM ai_job
    WHERE outcome = 'ok' AND blame IS NULL
    GROUP BY orchestrator, pipeline, model, region, tester
)

SELECT
    orchestrator,
    pipeline,
    model,
    region,
    tester,
    count(*) FILTER (
        WHERE outcome <> 'ok' AND blame = 'orchestrator'
        AND (latest IS NULL OR row(time, seq, outbox) > latest)
    ) AS consecutive_failures,
    any_value(latest_time) AS last_success,
    max(time) AS last_attempt
FROM ai_job
LEFT JOIN success USING (orchestrator, pipeline, model, region, tester)
GROUP BY orchestrator, pipeline, model, region, tester
ORDER BY orchestrator, pipeline, model, region, tester
