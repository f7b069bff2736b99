SELECT count(*) FROM ai_job
