SELECT seq FROM cursor WHERE outbox = $outbox
