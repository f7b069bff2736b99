// What narrow.flux is for roll-ups, which do not tell who measured: leaves the rows of some tags,
// orchestrator, region, pipeline, model, of which an empty one means any; with `addresses_only` only those of orchestrators that are known by an address.
narrow = (tables=<-) => {
    a = if orchestrator == "" then tables else tables |> filter(fn: (r) => r.orchestrator == orchestrator)
    b = if region == "" then a else a |> filter(fn: (r) => r.region == region)
    c = if pipeline == "" then b else b |> filter(fn: (r) => r.pipeline == pipeline)
    d = if model == "" then c else c |> filter(fn: (r) => r.model == model)

    return if addresses_only then d |> filter(fn: (r) => r.orchestrator =~ /^0[xX][0-9a-fA-F]{40}$/) else d
}
