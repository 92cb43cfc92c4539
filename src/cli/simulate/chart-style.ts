/** How many lines get a colour of their own; further ones begin again. */
export const LINE_COLOURS = 6;

/** Colours of a plot in the light and, by the reader's wish, in the dark; told apart by most eyes. */
export const CHART_STYLE = `
.chart{--ink:#1c2733;--faint:#5b6875;--grid:#d9dfe5;--paper:#fff;--c0:#0067b1;--c1:#c2410c;--c2:#00795c;--c3:#9a3390;--c4:#8a6a00;--c5:#5a6270;
font:12px system-ui,sans-serif}
.chart .paper{fill:var(--paper)}.chart text{fill:var(--ink)}.chart .tick,.chart .unit{fill:var(--faint)}
.chart .title{font-size:15px;font-weight:600}.chart .grid{stroke:var(--grid);stroke-width:1}
.chart .line{fill:none;stroke-width:2;stroke-linejoin:round}.chart .dash{stroke-dasharray:5 4}
${Array.from({ length: LINE_COLOURS }, (_, i) => `.chart .c${i}{stroke:var(--c${i})}`).join('')}
@media (prefers-color-scheme:dark){.chart{--ink:#e6ebf0;--faint:#9aa7b4;--grid:#313b46;--paper:#151b21;--c0:#5cb3ff;--c1:#ff9d66;--c2:#4fd1a5;--c3:#e59ae0;--c4:#e6c34d;--c5:#aab4c0}}
`.replaceAll('\n', '');
