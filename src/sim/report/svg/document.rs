//! A picture as one file: what was drawn, with the style of all pictures. Nothing else is needed to
//! show it.

use super::canvas::{Canvas, Px, WIDTH, escaped};

/// The file of a picture as high as it is drawn.
pub(in crate::sim) fn document(canvas: Canvas, title: &str) -> String {
    let height = Px(canvas.y);
    let (width, body) = (Px(WIDTH), canvas.body);
    format!(
        r##"<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"
  width="{width}" height="{height}" role="img">
<title>{}</title>
<style>
text {{ font-size: 12px; fill: #1d2530;
  font-family: "Inter", "Helvetica Neue", Helvetica, Arial, "DejaVu Sans", sans-serif }}
.title {{ font-size: 22px; font-weight: 600 }}
.head {{ font-size: 14px; font-weight: 600 }}
.figure {{ font-size: 24px; font-weight: 600 }}
.quiet {{ fill: #5b6675 }}
.end {{ text-anchor: end }}
.mid {{ text-anchor: middle }}
.grid {{ stroke: #d5dae1; stroke-width: 1 }}
.week {{ stroke: #aab3bf; stroke-width: 1 }}
.bound {{ stroke: #b3261e; stroke-width: 1.5; stroke-dasharray: 6 3 }}
.held {{ fill: #1b5e8c }}
.ready {{ fill: #f0b64a }}
.booting {{ fill: #8e7cc3 }}
.over-budget {{ fill: #cf4436 }}
.closed {{ fill: #e3e7ec }}
.empty {{ fill: #f7f8fa }}
.swatch {{ stroke: #aab3bf; stroke-width: 0.5 }}
.bound-text {{ fill: #b3261e }}
.front {{ stroke: #1b5e8c; stroke-width: 1.5 }}
.chord {{ stroke: #aab3bf; stroke-width: 1; stroke-dasharray: 3 3 }}
.other {{ fill: #aab3bf }}
.knee {{ fill: #5a9e6f }}
.now {{ fill: none; stroke: #b3261e; stroke-width: 2 }}
.shade-0 {{ fill: #4d7ea8 }}
.shade-1 {{ fill: #e0a030 }}
.shade-2 {{ fill: #5a9e6f }}
.shade-3 {{ fill: #a05195 }}
.shade-4 {{ fill: #c9604b }}
.shade-5 {{ fill: #6fb6c9 }}
.shade-6 {{ fill: #8d7b52 }}
.shade-7 {{ fill: #aab3bf }}
</style>
<rect width="100%" height="100%" fill="#ffffff"/>
{body}</svg>
"##,
        escaped(title)
    )
}
