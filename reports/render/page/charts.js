"use strict";
// Draws each chart with uPlot in the page's own colours; again when these change, when the page is resized or printed.
(() => {
  const HEIGHT = 260;
  const PRINTED = 640; // CSS pixels: the width of A4 without its margins, whatever the window's
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const number = (value) => (value === null || value === undefined ? "–" : Number(value.toPrecision(4)).toLocaleString("en"));

  const axis = (label, more) => ({
    label,
    labelSize: 22,
    labelFont: "12px sans-serif",
    font: "12px sans-serif",
    stroke: () => colour("soft"),
    grid: { stroke: () => colour("grid"), width: 1 },
    ticks: { stroke: () => colour("grid"), width: 1, size: 4 },
    ...more,
  });
  // A value between two that are missing has no line: it is drawn as a point.
  const alone = (plot, number) =>
    plot.data[number].flatMap((value, at, all) => (value == null || all[at - 1] != null || all[at + 1] != null ? [] : [at]));
  const series = ({ name, colour: shade, step, points }, isShort) => ({
    label: name,
    stroke: () => colour(shade),
    width: 1.8,
    value: (_, value) => number(value),
    points: {
      show: Boolean(points) || isShort,
      size: 9,
      fill: () => colour(shade),
      ...(!points && !step && !isShort && { size: 5, filter: alone }),
    },
    ...(points && { paths: () => null }),
    ...(step && { paths: uPlot.paths.stepped({ align: 1 }) }),
  });
  // What lies behind the lines: the times in which streams were open.
  const shade = (spans) => (plot) => {
    plot.ctx.save();
    plot.ctx.fillStyle = "rgba(127, 127, 127, 0.10)";
    const { left, top, width, height } = plot.bbox;
    const inside = (value) => Math.min(Math.max(plot.valToPos(value, "x", true), left), left + width);
    for (const [from, to] of spans) plot.ctx.fillRect(inside(from), top, inside(to) - inside(from), height);
    plot.ctx.restore();
  };
  // From the start to the last time there is; what uPlot would say of a single one goes to 100.
  const until = (plot, low) => [Math.min(low, 0), 1.02 * plot.data[0].at(-1) || 1];
  const options = (chart, width, isShort) => ({
    width,
    height: HEIGHT,
    padding: [8, 12, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    legend: { markers: { width: 2 } },
    scales: {
      x: { time: false, ...(chart.log ? { distr: 3 } : { range: until }) },
      y: { range: (_, low, high) => [Math.min(low ?? 0, 0), chart.log ? 100 : high ? 1.05 * high : 1] },
    },
    axes: [
      axis(chart.x, { size: 32, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : number(tick))) }),
      axis(chart.y, { size: 44 }),
    ],
    series: [{ label: chart.x.split(/[ ,]/)[0], value: (_, value) => number(value) }, ...chart.series.map((one) => series(one, isShort))],
    hooks: { drawClear: [shade(chart.shades ?? [])] },
  });
  // Curves with x values of their own are joined; only there, where one has no value the line goes on.
  const data = (tables) => (tables.length > 1 ? uPlot.join(tables) : tables[0]);

  const drawn = [...document.querySelectorAll(".plot")].map((place) => {
    const chart = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    const isShort = chart.tables.every(([times]) => times.length < 3); // too short for a line: its points are drawn
    const made = options(chart, place.clientWidth, isShort);
    if (chart.tables.length > 1)
      for (const [at, one] of chart.series.entries())
        Object.assign(made.series[at + 1], { spanGaps: true, ...(!isShort && !one.points && { points: { show: false } }) });
    return { place, plot: new uPlot(made, data(chart.tables), place) };
  });
  const fit = (width) => {
    for (const { place, plot } of drawn) plot.setSize({ width: width ?? place.clientWidth, height: HEIGHT });
  };
  document.getElementById("undrawn").hidden = true;
  dark.addEventListener("change", () => drawn.forEach(({ plot }) => plot.redraw(false, true)));
  addEventListener("resize", () => fit());
  addEventListener("beforeprint", () => fit(PRINTED));
  addEventListener("afterprint", () => fit());
})();
