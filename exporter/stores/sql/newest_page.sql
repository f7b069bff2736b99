-- Where a page of newest.sql ends: with that known, payloads are read from few parts of the table.
SELECT min(time)
FROM (
    SELECT time
    FROM asked
    WHERE
        $before_time::BIGINT IS NULL
        OR (time, seq, outbox) < ($before_time, $before_seq::BIGINT, $before_outbox::VARCHAR)
    ORDER BY time DESC, seq DESC, outbox DESC
    LIMIT $limit
)
