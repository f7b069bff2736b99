"""The one style sheet of all pages."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --fg: #1b1f24; --soft: #636c76; --bg: #ffffff; --card: #f6f8fa;
  --line: #d9dee4; --accent: #0a7d55; --bad: #c62f37; --warn: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --fg: #e3e8ee; --soft: #96a0ab; --bg: #10141a;
  --card: #181e26; --line: #2b333d; --accent: #3ecf94; --bad: #ff7b80; --warn: #e0b050; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 0 1.25rem 3rem; background: var(--bg);
  color: var(--fg); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .4rem 1.4rem; align-items: baseline;
  padding: 1.1rem 0 .9rem; border-bottom: 1px solid var(--line); margin-bottom: 1.4rem; }
header strong { font-size: 1.05rem; margin-right: auto; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2rem 0 .6rem; }
p { margin: .3rem 0 .9rem; } .soft { color: var(--soft); }
.table { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .45rem .75rem; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top; }
tr:last-child td { border-bottom: 0; }
th { background: var(--card); font-size: .8rem; font-weight: 600; color: var(--soft);
  white-space: nowrap; }
td.num, th.num { text-align: right; white-space: nowrap; width: 1%; }
td.text { overflow-wrap: anywhere; min-width: 11rem; } td.nowrap { white-space: nowrap; }
td.text:last-child { width: 45%; }
code, pre, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  font-size: .87em; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .8rem;
  overflow: auto; max-height: 24rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.badge { display: inline-block; padding: .05rem .5rem; border-radius: 99px; font-size: .82rem;
  font-weight: 600; border: 1px solid currentColor; white-space: nowrap; }
.ok { color: var(--accent); } .bad { color: var(--bad); } .warn { color: var(--warn); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: 0; }
bdi { display: block; width: max-content; max-width: 11rem; white-space: normal;
  overflow-wrap: anywhere; }
.table + dl { margin-top: .7rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: .6rem; margin: 0 0 1rem; align-items: end; }
label { display: grid; font-size: .8rem; color: var(--soft); gap: .15rem; }
input, select, button { font: inherit; font-size: .9rem; padding: .3rem .55rem; color: var(--fg);
  background: var(--bg); border: 1px solid var(--line); border-radius: 6px; }
button { background: var(--card); cursor: pointer; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--fg); font-size: 13px; } svg .soft { fill: var(--soft); }
svg .axis { stroke: var(--line); }
.dns { fill: #8c6bb1; } .connect { fill: #3f8fd2; } .tls { fill: #27a0a8; }
.upload { fill: #d98f2b; } .inference { fill: #0f9d6a; } .download { fill: #c9547f; }
.tester { fill: #8b949e; }
.answer { display: block; max-width: 100%; max-height: 32rem; border-radius: 8px; }
audio.answer { width: 30rem; }
ul { margin: .3rem 0; padding-left: 1.2rem; } li { overflow-wrap: anywhere; }
"""
