/** The report's style sheet: light and dark, from a phone's width on. No fonts, no pictures. */
export const STYLE = `
:root{color-scheme:light dark;--back:#fff;--text:#1b1f24;--soft:#57606a;--line:#d0d7de;--card:#f6f8fa;--mark:#0550ae;--bar:#5b7fa6;
--clip:#b42318;--g0:#cdebd3;--g1:#e3f0bf;--g2:#fbe7a1;--g3:#fbcfa0;--g4:#f5b5ad;--gn:#e6e9ec}
@media (prefers-color-scheme:dark){:root{--back:#0d1117;--text:#e6edf3;--soft:#9aa6b2;--line:#30363d;--card:#161b22;--mark:#79c0ff;
--bar:#7ea6d4;--clip:#ff8a80;--g0:#16402a;--g1:#37420f;--g2:#574408;--g3:#63370d;--g4:#6d211c;--gn:#2b3138}}
*{box-sizing:border-box}body{margin:0 auto;padding:1rem;max-width:70rem;background:var(--back);color:var(--text);
font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.2rem;margin:2rem 0 .5rem;
border-top:1px solid var(--line);padding-top:1rem}h3{font-size:1rem;margin:1.2rem 0 .3rem}a{color:var(--mark)}nav ul{display:flex;flex-wrap:wrap;
gap:.2rem 1rem;padding:0;margin:0;list-style:none}.cards{display:grid;gap:.6rem;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));padding:0;margin:0}
.cards div{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem}.cards dt{color:var(--soft);font-size:.9rem}
.cards dd{margin:0}.cards strong{font-size:1.3rem;display:block}.scroll{overflow:auto;max-height:80vh;border:1px solid var(--line);border-radius:.5rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line);
overflow-wrap:normal}th{background:var(--card);position:sticky;top:0}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.charts{display:grid;gap:.8rem;grid-template-columns:repeat(auto-fill,minmax(16rem,1fr))}figure{margin:0}figcaption{font-size:.85rem}
figure svg{width:100%;height:auto;display:block;background:var(--card);border-radius:.3rem}.bar{fill:var(--bar)}.cut{stroke:var(--clip);stroke-width:1.5;
stroke-dasharray:4 2;fill:none}.axis{fill:var(--soft);font:9px system-ui,sans-serif}.graph text{fill:var(--text);font:11px system-ui,sans-serif;
text-anchor:middle}.graph .name{fill:var(--soft);font-size:9px}.graph path{fill:none;stroke:var(--soft);stroke-width:1}.graph rect{stroke:var(--line);rx:4px}
.g0{fill:var(--g0)}.g1{fill:var(--g1)}.g2{fill:var(--g2)}.g3{fill:var(--g3)}.g4{fill:var(--g4)}.gn{fill:var(--gn)}.legend{display:flex;flex-wrap:wrap;
gap:.3rem 1rem;padding:0;list-style:none;font-size:.85rem}.legend svg{width:1em;height:1em;vertical-align:-.1em}pre{background:var(--card);
border:1px solid var(--line);border-radius:.5rem;padding:.6rem;overflow:auto;white-space:pre-wrap;margin:0}.soft{color:var(--soft)}
.pictures{display:grid;gap:.8rem;grid-template-columns:repeat(auto-fill,minmax(8rem,1fr));padding:0;list-style:none}.pictures img{width:100%;
image-rendering:pixelated;border-radius:.3rem;display:block}summary{cursor:pointer}:focus-visible{outline:2px solid var(--mark);outline-offset:2px}
@media print{.scroll{max-height:none;overflow:visible}}`;
