"""The style sheet of the page, and the policy that lets it in and nothing else."""

from __future__ import annotations

import base64
import hashlib

CSS = """
:root{color-scheme:light dark;--page:#f4f6f8;--card:#fff;--text:#1b2430;--soft:#566273;--line:#d5dbe3;
--code:#eef1f5;--fault:#b3261e;--fault-soft:#fdeceb;--open:#8a5a00;--open-soft:#fdf3dd;--works:#1a7346;
--works-soft:#e6f5ec;--link:#2456c4}
@media (prefers-color-scheme:dark){:root{--page:#0f1318;--card:#181e26;--text:#e7ebf0;--soft:#9ba8b8;
--line:#323c49;--code:#11161d;--fault:#ff8f84;--fault-soft:#3a1e1e;--open:#f2bd5c;--open-soft:#352a14;--works:#66d39a;
--works-soft:#15301f;--link:#8db4ff}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Liberation Sans","DejaVu Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:66rem;margin:0 auto;padding:1.25rem 1rem 2.5rem}
header{margin:.25rem 0 1.25rem}
header p{margin:0;color:var(--soft);font-size:.875rem}
h1{font-size:1.4rem;line-height:1.3;margin:.15rem 0 .25rem;font-weight:650}
h2{font-size:1.125rem;line-height:1.4;margin:0;font-weight:650}
h3{font-size:.75rem;letter-spacing:.06em;text-transform:uppercase;color:var(--soft);margin:1.1rem 0 .3rem}
p{margin:.3rem 0}
a{color:var(--link)}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.toc{list-style:none;margin:0 0 1.25rem;padding:.35rem 0;background:var(--card);border:1px solid var(--line);
border-radius:12px}
.toc li{display:flex;gap:.65rem;padding:.35rem 1rem;align-items:baseline}
.toc a{color:inherit;text-decoration:none}
.toc a:hover{text-decoration:underline}
.space{color:var(--soft)}
article{background:var(--card);border:1px solid var(--line);border-left:5px solid var(--line);border-radius:12px;
padding:1rem 1.25rem 1.1rem;margin:0 0 1rem}
article.fault{border-left-color:var(--fault)}
article.open{border-left-color:var(--open)}
article.works{border-left-color:var(--works)}
.path-of+.path-of{border-top:1px solid var(--line);margin-top:1rem;padding-top:1rem}
.head{display:flex;gap:.65rem;align-items:flex-start}
.head h2{flex:1;min-width:0}
.mark{flex:none;width:1.375rem;height:1.375rem;margin-top:.1rem}
.toc .mark{width:1.05rem;height:1.05rem;margin:.25rem 0 0;align-self:flex-start}
.tag{display:inline-block;font:600 .75rem/1.5 ui-monospace,"Liberation Mono","DejaVu Sans Mono",Menlo,Consolas,
monospace;padding:.05rem .5rem;border-radius:99px;border:1px solid currentColor;margin-right:.35rem}
.tag.proved{color:var(--fault);background:var(--fault-soft)}
.tag.likely,.tag.possible{color:var(--open);background:var(--open-soft)}
.context{color:var(--soft);font-size:.875rem;margin:.35rem 0 0}
svg.path{display:block;max-width:100%;height:auto;margin:1.1rem 0 .25rem}
svg.across{display:none}
@media (min-width:960px){svg.across{display:block}svg.down{display:none}}
svg text{fill:var(--text);font:14px ui-monospace,"Liberation Mono","DejaVu Sans Mono",Menlo,Consolas,monospace}
svg .label{font-size:13.5px}
svg .role,svg .word{font:600 11.5px system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans","DejaVu Sans",
sans-serif;letter-spacing:.04em;fill:var(--soft)}
svg .note{font-size:12.5px;fill:var(--soft)}
svg .word.broken{fill:var(--fault)}
svg .word.unknown{fill:var(--open)}
.hop{fill:var(--card);stroke:var(--line);stroke-width:1.5}
rect.hop.broken{stroke:var(--fault);stroke-width:3;fill:var(--fault-soft)}
rect.hop.unknown{stroke:var(--open);stroke-dasharray:3 4}
circle.hop{stroke:var(--soft);stroke-width:2.5}
.way{stroke:var(--works);stroke-width:2.5}
.way.broken{stroke:var(--fault);stroke-dasharray:7 5}
.way.unknown{stroke:var(--open);stroke-dasharray:2 5}
.sign circle{fill:var(--works-soft);stroke:var(--works);stroke-width:1.75}
.sign path{fill:none;stroke:var(--works);stroke-width:2.2;stroke-linecap:round;stroke-linejoin:round}
.sign.broken circle{fill:var(--fault-soft);stroke:var(--fault)}
.sign.broken path{stroke:var(--fault)}
.sign.unknown circle{fill:var(--open-soft);stroke:var(--open)}
.sign.unknown path{stroke:var(--open)}
pre{margin:.5rem 0;padding:.65rem .8rem;background:var(--code);border:1px solid var(--line);border-radius:8px;
white-space:pre-wrap;font:.8125rem/1.5 ui-monospace,"Liberation Mono","DejaVu Sans Mono",Menlo,Consolas,monospace}
details{border-top:1px solid var(--line);margin-top:.75rem;padding-top:.6rem}
summary{cursor:pointer;font-weight:600;font-size:.9375rem}
summary small{font-weight:400;color:var(--soft);font-size:.875rem}
dl{margin:.6rem 0 .2rem;font-size:.9375rem}
dt{color:var(--soft);font-size:.8125rem}
dd{margin:0 0 .45rem}
@media (min-width:600px){dl{display:grid;grid-template-columns:6.5rem 1fr;gap:.3rem .75rem}
dt{padding-top:.1rem}dd{margin:0}}
details ul{margin:.5rem 0 .2rem;padding-left:1.15rem;font-size:.9375rem}
.scroll{overflow-x:auto;margin:.5rem 0;border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;font-size:.8125rem;min-width:100%}
th,td{text-align:left;padding:.4rem .7rem;border-bottom:1px solid var(--line);vertical-align:top;
overflow-wrap:normal}
th{font-weight:600;max-width:14rem;overflow-wrap:anywhere;min-width:6rem}
tr:last-child>*{border-bottom:0}
td{white-space:nowrap}
td.bad{color:var(--fault);font-weight:600}
td.good{color:var(--works)}
footer{color:var(--soft);font-size:.8125rem;margin-top:1.5rem}
@media (max-width:480px){main{padding:.9rem .6rem 2rem}article{padding:.85rem .85rem .9rem}}
@media print{body{background:none}article{break-inside:avoid}}
"""
_HASH = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
# No script, no image, no font, no request: whatever got in as markup could still do nothing.
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
