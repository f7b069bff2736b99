INSERT INTO cursor (outbox, seq) VALUES ($outbox, $seq)
ON CONFLICT (outbox) DO UPDATE SET seq = greatest(seq, excluded.seq)
