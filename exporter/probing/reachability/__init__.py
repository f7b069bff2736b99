"""A light look at every registered service URI: name, TCP, TLS; no request and no job."""
