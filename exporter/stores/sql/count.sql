SELECT (SELECT count(*) FROM ai_job) + (SELECT count(*) FROM transcoding_job)
