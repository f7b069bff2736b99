// What the rows of each target, per region and tester, add up to: the numbers in the outbox of the last
// success and the last failure, how many failures there are, and the latest moments. How many of
// the failures come after the last success is asked by streak.flux, where it has to be.
//
// Parameters: bucket, series, tester and region (empty: any), upto.
by = ["orchestrator", "pipeline", "model", "region", "tester"]

all = (field) => {
    found =
        from(bucket: bucket)
            |> range(start: time(v: since), stop: time(v: until))
            |> filter(fn: (r) => r._measurement == series and r._field == field)
    a = if tester == "" then found else found |> filter(fn: (r) => r.tester == tester)

    return if region == "" then a else a |> filter(fn: (r) => r.region == region)
}

known = (tables=<-) => tables |> filter(fn: (r) => r._value <= upto)

all(field: "success_seq") |> known() |> group(columns: by) |> max() |> group() |> yield(name: "success")
all(field: "failure_seq") |> known() |> group(columns: by) |> max() |> group() |> yield(name: "failure")
all(field: "failure_seq") |> known() |> group(columns: by) |> count() |> group() |> yield(name: "failures")
all(field: "succeeded_at") |> group(columns: by) |> max() |> group() |> yield(name: "last_success")
all(field: "started_at") |> group(columns: by) |> max() |> group() |> yield(name: "last_attempt")
