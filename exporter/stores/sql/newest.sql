-- The rows before a turn, newest first, whether they count or not.
SELECT time, outbox, seq, payload
FROM asked
WHERE
    $before_time::BIGINT IS NULL
    OR (time, seq, outbox) < ($before_time, $before_seq::BIGINT, $before_outbox::VARCHAR)
ORDER BY time DESC, seq DESC, outbox DESC
LIMIT $limit
