-- Exact median round trip, without the gateway's first contact, of the fully successful jobs; no row
-- gives NULL.
SELECT quantile_cont(scored_time, 0.5)
FROM asked
WHERE counts AND success_rate = 1 AND scored_time <> 0
