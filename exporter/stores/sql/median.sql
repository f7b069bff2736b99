-- Exact median round trip, without the gateway's first contact, of the fully successful jobs that
-- count: those with a `median_time`. No row gives NULL.
SELECT quantile_cont(median_time, 0.5)
FROM asked
