#pragma once

// What the pages of the report look like.
namespace mcunet::report {

inline constexpr char kStyleSheet[] = R"css(
:root { --ink: #1d2733; --soft: #5b6776; --line: #dfe4ea; --tint: #f5f7fa; --accent: #0b5cad; }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
       color: var(--ink); background: #fff; max-width: 76rem; margin: 0 auto;
       padding: 1.5rem clamp(0.9rem, 3vw, 2.5rem) 4rem; overflow-wrap: break-word; }
h1 { font-size: clamp(1.4rem, 4vw, 2rem); line-height: 1.2; margin: 0.5rem 0 1rem; }
h2 { font-size: 1.35rem; margin: 3rem 0 0.8rem; padding-bottom: 0.3rem;
     border-bottom: 2px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.8rem 0 0.5rem; }
p { max-width: 46rem; margin: 0.6rem 0; }
a { color: var(--accent); text-decoration: none; }
nav { display: flex; flex-wrap: wrap; gap: 0.35rem; margin: 0 0 1.2rem; font-size: 0.88rem; }
nav a { padding: 0.15rem 0.7rem; border: 1px solid var(--line); border-radius: 1rem; }
.facts { display: grid; gap: 0.8rem; margin: 1rem 0;
         grid-template-columns: repeat(auto-fit, minmax(min(100%, 10rem), 1fr)); }
.facts div { background: var(--tint); border: 1px solid var(--line); border-radius: 0.5rem;
             padding: 0.7rem 0.9rem; }
dt { color: var(--soft); font-size: 0.82rem; }
dd { margin: 0; font-size: 1.3rem; font-weight: 600; line-height: 1.3; }
dd small { display: block; font-size: 0.78rem; font-weight: 400; color: var(--soft); }
.scroll { overflow-x: auto; max-width: 100%; margin: 0.8rem 0; }
table { border-collapse: collapse; font-size: 0.88rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.28rem 0.8rem; text-align: right; border-bottom: 1px solid var(--line);
         white-space: nowrap; }
th { color: var(--soft); font-weight: 600; border-bottom: 2px solid #b9c2cc; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0.2rem; }
.properties td { white-space: normal; text-align: left; vertical-align: top; }
.properties td:first-child { color: var(--soft); min-width: 9rem; }
tr.best td { background: #fff6df; font-weight: 600; }
figure { margin: 0; min-width: 0; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { color: var(--soft); font-size: 0.85rem; line-height: 1.4; margin-top: 0.2rem; }
.figures { display: grid; gap: 1.2rem 1.6rem; margin: 1rem 0;
           grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); }
.figures > figure { max-width: 44rem; }
.wide { margin: 1rem 0; }
.wide figure { overflow-x: auto; }
.wide svg { width: auto; max-width: 100%; min-width: 44rem; }
.pictures { display: flex; flex-wrap: wrap; gap: 0.9rem; margin: 1rem 0; }
.pictures img { display: block; width: 8.5rem; max-width: 100%; height: auto;
                border-radius: 0.25rem; }
.pictures figcaption { max-width: 8.5rem; font-size: 0.78rem; }
.samples { display: grid; gap: 0.7rem 1.4rem; margin: 1rem 0;
           grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); }
.samples img { display: block; max-width: 100%; height: auto; border-radius: 0.25rem; }
.samples figcaption { color: var(--ink); margin: 0 0 0.2rem; }
.samples figure { display: flex; flex-direction: column-reverse; }
details { margin: 0.8rem 0; }
summary { cursor: pointer; color: var(--accent); }
.matrix td, .matrix th { text-align: center; padding: 0.3rem 0.5rem; border: 1px solid #fff; }
.matrix th { color: var(--ink); font-weight: 400; border: 0; }
.matrix th:first-child { text-align: right; padding-right: 0.6rem; }
.matrix th.column { vertical-align: bottom; }
.matrix th.column span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 9rem;
                         overflow: hidden; }
.matrix td, tr.best td, .facts div { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
@media (max-width: 40rem) {
  th, td { padding: 0.25rem 0.4rem; }
  .matrix td, .matrix th { padding: 0.2rem 0.3rem; }
}
@media print {
  body { padding: 0; font-size: 11pt; max-width: none; }
  nav { display: none; }
  .scroll, .wide figure { overflow: visible; }
  .wide svg { min-width: 0; }
  th, td { padding: 0.15rem 0.4rem; }
  figure, tr, .facts div { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
)css";

}  // namespace mcunet::report
