-- The results of transcoding themselves, newest first.
SELECT payload
FROM asked
ORDER BY time DESC, seq DESC, outbox DESC
LIMIT $limit
