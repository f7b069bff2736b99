-- The measurements themselves, newest first, whether they count or not.
SELECT payload
FROM asked
ORDER BY time DESC, seq DESC, outbox DESC
LIMIT $limit
