-- The results of transcoding themselves, newest first.
SELECT payload
FROM transcoding
ORDER BY time DESC, seq DESC, outbox DESC
LIMIT $limit
