"""The whole stack from programs of this machine: `livepeer-exporter stack`."""
