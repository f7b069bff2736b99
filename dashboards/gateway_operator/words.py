"""The place of lists of whom to leave out, in words."""

from typing import Final

from dashboards.panel import Panel, Row

_EXCLUSION: Final = Panel(
    title="How to leave somebody out",
    description="What can be done by hand today. Lists that gateways could fetch from the station "
    "are not there yet; they will stand here.",
    kind="text",
    unit="none",
    width=24,
    height=9,
    text="""\
Lists of whom to leave out, for gateways to fetch from the station, **are not there yet**. This is
their place. By hand:

- **Name whom you want.** go-livepeer's `-orchAddr` takes service URIs, separated by commas, and
  the gateway asks nobody else; or `-orchWebhookUrl` names an address of yours that answers with
  the list, which can change while the gateway runs.
- **Name whom you do not want.** `-orchBlocklist` takes the key of the *node*, in lower case and
  without `0x`. That is often not the ETH address shown here: it is `local_address` in the
  gateway's `/getNetworkCapabilities`. It is read at the start, and not used with a webhook.

Before you do, look at the blame above. Only `orchestrator` is its own doing; a busy one does other
people's work, and failures of one region or one model need not be failures of all.
""",
)

ROW: Final = Row(title="Whom to leave out", panels=(_EXCLUSION,))
