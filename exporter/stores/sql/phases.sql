-- How long each phase took in the good jobs that count.
SELECT
    orchestrator,
    region,
    pipeline,
    model,
    phase,
    count(*),
    avg(seconds),
    min(seconds),
    max(seconds),
    quantile_cont(seconds, 0.5),
    quantile_cont(seconds, 0.9),
    quantile_cont(seconds, 0.99)
FROM (
    UNPIVOT (
        SELECT
            orchestrator,
            region,
            pipeline,
            model,
            dns_time,
            connect_time,
            tls_time,
            upload_time,
            inference_time,
            download_time,
            tester_time,
            round_trip_time
        FROM asked
        WHERE scored_success IS NOT NULL AND outcome = 'ok'
    )
    ON dns_time, connect_time, tls_time, upload_time,
    inference_time, download_time, tester_time, round_trip_time
    INTO NAME phase VALUE seconds
)
GROUP BY orchestrator, region, pipeline, model, phase
ORDER BY orchestrator, region, pipeline, model, phase
