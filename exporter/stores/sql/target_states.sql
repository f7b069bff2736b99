-- What the rows of each target, per region and tester, add up to. A row comes after another by its
-- number in the outbox: clocks are set back, and a newer outbox has higher numbers.
WITH told AS (
    SELECT
        *,
        outcome <> 'ok' AND blame = 'orchestrator' AND ($upto::BIGINT IS NULL OR seq <= $upto)
            AS failed,
        max(seq) FILTER (
            WHERE succeeded_at IS NOT NULL AND ($upto::BIGINT IS NULL OR seq <= $upto)
        ) OVER (PARTITION BY orchestrator, pipeline, model, region, tester) AS last_good
    FROM ai_job
    WHERE
        ($tester::VARCHAR IS NULL OR tester = $tester)
        AND ($region::VARCHAR IS NULL OR region = $region)
)

SELECT
    orchestrator,
    pipeline,
    model,
    region,
    tester,
    count(*) FILTER (WHERE failed AND (last_good IS NULL OR seq > last_good)) AS failures,
    max(succeeded_at) AS last_success,
    max(time) AS last_attempt
FROM told
GROUP BY orchestrator, pipeline, model, region, tester
ORDER BY orchestrator, pipeline, model, region, tester
