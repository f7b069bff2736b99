-- How many rows newest.sql has of each region.
SELECT region, count(*)
FROM asked
GROUP BY region
ORDER BY region
