"use strict";
// Draws each figure in the page's own colours, and again when the reader changes between light and dark.
(() => {
  const plots = [...document.querySelectorAll(".plot")];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const config = { displaylogo: false, responsive: true, modeBarButtons: [["toImage"]] };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const themed = (layout) => {
    const axis = { gridcolor: colour("--grid"), linecolor: colour("--line"), tickcolor: colour("--line") };
    return {
      ...layout,
      font: { ...layout.font, color: colour("--soft"), family: getComputedStyle(document.body).fontFamily },
      xaxis: { ...layout.xaxis, ...axis },
      yaxis: { ...layout.yaxis, ...axis },
      hoverlabel: { bgcolor: colour("--panel"), bordercolor: colour("--line"), font: { color: colour("--ink") } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--mute"), activecolor: colour("--ink") },
    };
  };
  const draw = () => {
    for (const plot of plots) {
      const { data, layout } = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
      window.Plotly.react(plot, data, themed(layout), config);
    }
  };
  draw();
  document.getElementById("undrawn").hidden = true;
  dark.addEventListener("change", draw);
})();
