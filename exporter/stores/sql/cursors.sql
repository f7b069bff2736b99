SELECT outbox, seq FROM cursor
