/**
 * The style sheet of every page that a report becomes. Contrast of text on its ground is 4.5:1 or
 * more in both schemes.
 */
export const style = `
:root{color-scheme:light dark;
--ground:#faf9f6;--paper:#fff;--ink:#1d1c1a;--soft:#5d5a53;--line:#e2dfd7;--wash:#f1efe9;
--good:#17704a;--bad:#b3261e;--known:#855300;--seen:#5b4bb0;--none:#68655e;
--bad-wash:#fbeae8;--sent:#2b5fb3;--received:#0b766f;--due:#d9a21b}
@media (prefers-color-scheme:dark){:root{
--ground:#131312;--paper:#1b1b19;--ink:#eceae4;--soft:#a9a69d;--line:#34332f;--wash:#242421;
--good:#63cc95;--bad:#ff8d83;--known:#e8b450;--seen:#b7a8ff;--none:#a09d95;
--bad-wash:#35201e;--sent:#8db6ff;--received:#5ad2c6;--due:#e0b040}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main,header.top,footer{max-width:72rem;margin:0 auto;padding:0 1.5rem}
code,.mono{font:.875em/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
a{color:inherit;text-decoration-color:var(--soft);text-underline-offset:.2em}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--sent);outline-offset:3px;border-radius:2px}
h1,h2,h3{line-height:1.2;margin:0;text-wrap:balance;font-weight:650;letter-spacing:-.012em}
h1{font-size:clamp(1.75rem,4vw,2.6rem)}h2{font-size:1.375rem}h3{font-size:1rem;letter-spacing:0}
p{margin:0}ul{margin:0;padding:0;list-style:none}
.soft{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}.known{color:var(--known)}.seen{color:var(--seen)}.none{color:var(--none)}
header.top{padding-top:3rem;padding-bottom:1.75rem}
.over{font-size:.8125rem;letter-spacing:.08em;text-transform:uppercase;color:var(--soft);margin-bottom:.6rem}
.facts{display:flex;flex-wrap:wrap;gap:.15rem 1.25rem;color:var(--soft);font-size:.9375rem;margin-top:.7rem}
.lead{font-size:1.1875rem;margin-top:1.25rem;max-width:46rem}
.box{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:1.25rem 1.5rem;margin-bottom:1rem}
.box>h2{font-size:1.125rem;margin-bottom:.9rem}
.warn{border-color:var(--bad);background:var(--bad-wash)}
.warn li+li{margin-top:.6rem}
.strip{display:flex;gap:2px;height:12px;border-radius:6px;overflow:hidden;background:var(--wash)}
.strip i{display:block;min-width:4px;background:currentColor}
.strip .known,.strip .seen{background-image:repeating-linear-gradient(45deg,transparent 0 3px,var(--paper) 3px 5px)}
.strip .none{opacity:.45}
.counts{display:flex;flex-wrap:wrap;gap:.3rem 1.6rem;margin-top:.8rem}
.counts b{font-size:1.25rem;font-weight:650}
.limits{display:grid;grid-template-columns:max-content 1fr max-content;gap:.5rem 1.1rem}
.limit{display:grid;grid-template-columns:subgrid;grid-column:1/-1;align-items:center}
.limit p{grid-column:2/-1;font-size:.9375rem}
.bar{height:14px;border-radius:3px;background:var(--wash);position:relative}
.bar i{position:absolute;inset:0 auto 0 0;min-width:3px;border-radius:3px;background:var(--received)}
.bar.leak{margin-right:7px}
.bar.leak i{border-radius:3px 0 0 3px;background:repeating-linear-gradient(-45deg,var(--bad) 0 6px,transparent 6px 10px)}
.bar.leak:after{content:"";position:absolute;right:-7px;top:0;border:7px solid transparent;border-left-color:var(--bad);border-right:0}
.bar.unknown{background:none;border-top:1px dashed var(--none);height:1px}.bar.unknown i{display:none}
details.plain{margin:0}
nav ul{display:flex;flex-wrap:wrap;gap:.35rem .5rem;margin:1.5rem 0 0}
nav a{display:block;padding:.2rem .7rem;border:1px solid var(--line);border-radius:99px;text-decoration:none;font-size:.9375rem;background:var(--paper)}
nav a:hover{border-color:var(--soft)}
section.chapter{margin-top:2.75rem}
section.chapter>h2{display:flex;gap:.75rem;align-items:baseline;padding-bottom:.6rem;border-bottom:2px solid var(--ink)}
section.chapter>h2 small{font-size:.875rem;font-weight:400;letter-spacing:0;color:var(--soft)}
article{display:grid;grid-template-columns:minmax(0,21rem) minmax(0,1fr);gap:.25rem 2.25rem;padding:1.1rem 0 1rem;border-bottom:1px solid var(--line)}
article.is-bad{box-shadow:-1.5rem 0 0 var(--ground),calc(-1.5rem - 3px) 0 0 var(--bad)}
article h3{display:grid;grid-template-columns:1.35rem 1fr}
article h3 .mark{font-weight:700}
.under{padding-left:1.35rem}
.id{color:var(--soft);margin-top:.15rem}
.result{margin-top:.4rem}
.due-text{color:var(--soft);font-size:.9375rem}
.reason{margin-top:.4rem;font-size:.9375rem;white-space:pre-wrap;max-height:16rem;overflow:auto}
details{margin-top:.45rem;font-size:.9375rem}
summary{cursor:pointer;color:var(--soft);width:max-content;max-width:100%}
summary:hover{color:var(--ink)}
details p{margin:.35rem 0 0;max-width:44rem}
.cells{min-width:0}
.cell+.cell{margin-top:.75rem;padding-top:.75rem;border-top:1px dotted var(--line)}
.cell .who{display:flex;flex-wrap:wrap;gap:0 .8rem;font-size:.9375rem;margin-bottom:.2rem}
.pictures{padding:0 .5rem}
.timeline{display:block;overflow:visible;font-size:12px}
.timeline text{fill:var(--soft);font-variant-numeric:tabular-nums}
.axis line{stroke:var(--line);shape-rendering:crispEdges}
.due rect{fill:var(--due);fill-opacity:.2}
.due .lag{fill-opacity:.08}
.due line{stroke:var(--due);stroke-width:1.5}
.due .anchor{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 3}
.due text{fill:var(--ink)}
.wire{stroke:var(--ink);stroke-width:1.5}
.wire.on{stroke-dasharray:2 5;stroke:var(--bad);stroke-width:2}
.pause{stroke:var(--soft);stroke-width:7;stroke-dasharray:2 2}
.sent{stroke:var(--sent);stroke-width:2.5}rect.sent{fill:var(--sent);fill-opacity:.4;stroke-width:1}
.received{stroke:var(--received);stroke-width:2.5}rect.received{fill:var(--received);fill-opacity:.4;stroke-width:1}
use.end{fill:var(--ink);stroke:var(--ink)}use.open,use.reset{stroke:var(--bad)}use.left{stroke:var(--soft)}
text.end{fill:var(--ink);font-weight:600}text.end.open,text.end.reset{fill:var(--bad)}text.end.left{fill:var(--soft);font-weight:400}
use.ours{stroke:var(--sent)}
.matrix td,.matrix thead th{white-space:normal;min-width:4.6rem;max-width:12rem}.matrix td small{display:block;color:inherit}
.limit-table td,.limit-table th{white-space:normal;min-width:6.2rem}.limit-table tbody th{min-width:8rem}
.warn details{margin:0 0 .3rem;font-size:1rem}.warn details ul{padding:.4rem 0 .6rem 1.2rem}.warn summary{color:inherit}
.unjudged{margin-top:1rem}
.unjudged li{padding:.3rem 0 0 1.35rem;font-size:.9375rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;overflow-wrap:normal;font-size:.9375rem;width:100%}
th,td{text-align:left;padding:.32rem .9rem .32rem 0;vertical-align:baseline;font-weight:400;white-space:nowrap}
thead th{font-weight:600;border-bottom:2px solid var(--ink)}
tbody tr+tr{border-top:1px solid var(--line)}
tbody th.chapter{font-weight:650;padding-top:1.1rem}
tbody th[scope=row]{position:sticky;left:0;background:var(--paper);padding-right:1.4rem}
td small,th small{color:var(--soft);font-size:.8125rem}
footer{padding-top:2.5rem;padding-bottom:3rem;color:var(--soft);font-size:.9375rem}
@media (max-width:52rem){article{grid-template-columns:minmax(0,1fr)}.cells{margin-top:.5rem}header.top{padding-top:1.75rem}
.limits{gap:.8rem}.limit{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.15rem 1rem}.bar{order:3;flex:1 0 100%}.limit p{order:4}.box{padding:1.1rem}main,header.top,footer{padding-left:1rem;padding-right:1rem}}
@media print{article,.cell{break-inside:avoid}nav{display:none}.box,article{border-color:#bbb}}
`.trim()
