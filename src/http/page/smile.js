// The figures of implied volatility over strikes and time: the 3-D surface and its slices.

import { level, none } from './charts.js';

/** Log-moneyness at which the surface is drawn. */
const GRID = Array.from({ length: 41 }, (_, i) => -0.2 + i * 0.01);
const SMILES = 6;
/** How far a smile is drawn, in standard deviations of its own: what lies beyond is in the CSV. */
const SIGMAS = 2.5;
/** A narrow screen wants the surface further away. */
export const FAR = innerWidth < 600 ? 1.75 : 1.12;

const slicesOf = (document) => document?.by_expiry?.filter((one) => one.rows?.strike.length > 1) ?? [];

/** The 3-D surface; `id` names a slice. */
export function surfaceFigure(document, symbol, id, colour) {
  const rows = slicesOf(document);
  if (rows.length < 2) return none(document, 'a surface needs two expiries with quotes');
  const days = rows.map((one) => one.t_years * 365);
  const z = rows.map((one) => along(one.rows, GRID));
  const axis = {
    gridcolor: colour.line,
    color: colour.muted,
    backgroundcolor: 'rgba(0,0,0,0)',
    tickfont: { size: 10 },
    title: { font: { size: 11 } },
  };
  return {
    data: [
      {
        type: 'surface',
        x: GRID,
        y: days,
        z,
        connectgaps: false,
        showscale: false,
        colorscale: [
          [0, colour.up],
          [0.5, colour.middle],
          [1, colour.down],
        ],
        contours: { y: { show: true, color: colour.panel, width: 1 } },
        hovertemplate: 'ln(K/F) %{x:.2f}<br>%{y:.1f} d<br>%{z:.2f} %<extra></extra>',
      },
    ],
    layout: {
      hovermode: 'closest',
      margin: { l: 0, r: 0, t: 0, b: 0 },
      scene: {
        uirevision: symbol,
        camera: { eye: { x: 1.28 * FAR, y: -1.5 * FAR, z: 0.66 * FAR }, center: { x: 0, y: 0, z: -0.18 } },
        aspectmode: 'manual',
        aspectratio: { x: 1.3, y: 1.3, z: 0.8 },
        xaxis: { ...axis, title: { text: 'ln(K/F)', font: { size: 11 } } },
        yaxis: {
          ...axis,
          type: 'log',
          tickvals: [0.25, 1, 3, 7, 14, 30, 90, 180, 365],
          ticktext: ['6 h', '1', '3', '7', '14', '30', '90', '180', '365'],
          title: { text: 'days', font: { size: 11 } },
        },
        zaxis: { ...axis, title: { text: 'IV %', font: { size: 11 } } },
      },
    },
    rows: [
      ['expiry', 'days', 'strike', 'log_moneyness', 'call_iv', 'put_iv', 'mid_iv'],
      ...rows.flatMap((one) =>
        one.rows.strike.map((strike, i) => [
          id(one),
          one.t_years * 365,
          strike,
          one.rows.log_moneyness[i],
          one.rows.call_iv[i],
          one.rows.put_iv[i],
          one.rows.mid_iv[i],
        ]),
      ),
    ],
    summary: `At the money ${rows
      .filter((one) => typeof one.atm_iv === 'number')
      .map((one) => `${id(one)} ${(one.atm_iv * 100).toFixed(1)} %`)
      .slice(0, 4)
      .join(', ')}.`,
  };
}

/** The smiles of a few expiries, from the nearest to the furthest. */
export function smileFigure(document, id, colour) {
  const rows = slicesOf(document);
  if (!rows.length) return none(document, 'smiles need quotes');
  const picked = spreadOut(rows, SMILES);
  const { spot } = document;
  const inks = [colour.up, colour.down, colour.third, colour.net, colour.good, colour.muted];
  const symbols = ['circle', 'square', 'diamond', 'cross', 'triangle-up', 'x'];
  const data = picked.flatMap((one, n) => {
    const ink = inks[n % inks.length];
    const inside = one.rows.strike
      .map((strike, i) => i)
      .filter(
        (i) =>
          Math.abs(one.rows.log_moneyness[i]) < Math.max(0.012, SIGMAS * (one.atm_iv ?? 0.2) * Math.sqrt(one.t_years)),
      );
    const quoted = {
      type: 'scatter',
      mode: 'markers',
      x: inside.map((i) => one.rows.strike[i]),
      y: inside.map((i) => (one.rows.mid_iv[i] === null ? null : one.rows.mid_iv[i] * 100)),
      name: id(one),
      legendgroup: id(one),
      marker: { color: ink, size: 4, symbol: symbols[n % symbols.length] },
      hovertemplate: `%{y:.2f} %<extra>${id(one)}</extra>`,
    };
    if (!one.svi) return [{ ...quoted, mode: 'lines+markers', line: { color: ink, width: 1, dash: 'dot' } }];
    const fitted = {
      type: 'scatter',
      mode: 'lines',
      x: quoted.x,
      y: inside.map((i) => svi(one, one.rows.log_moneyness[i])),
      legendgroup: id(one),
      showlegend: false,
      hoverinfo: 'skip',
      line: { color: ink, width: 1.3 },
    };
    return [fitted, quoted];
  });
  const mark = level(spot, 'spot', colour.text, 0, 'solid');
  const broken = rows
    .filter((one) => one.arbitrage?.butterfly?.free === false || one.arbitrage?.calendar?.violations > 0)
    .map(id);
  return {
    data,
    layout: {
      hovermode: 'closest',
      xaxis: { tickformat: ',' },
      yaxis: { ticksuffix: ' %' },
      shapes: [mark.shape],
      annotations: [
        mark.annotation,
        {
          xref: 'paper',
          yref: 'paper',
          x: 1,
          y: 1,
          xanchor: 'right',
          yanchor: 'top',
          showarrow: false,
          font: { size: 10, color: broken.length ? colour.warn : colour.muted },
          text: broken.length ? `arbitrage in: ${broken.join(', ')}` : 'no arbitrage in the fits',
        },
      ],
    },
    rows: [
      ['expiry', 'strike', 'mid_iv', 'svi_iv_percent'],
      ...picked.flatMap((one) =>
        one.rows.strike.map((strike, i) => [
          id(one),
          strike,
          one.rows.mid_iv[i],
          one.svi ? svi(one, one.rows.log_moneyness[i]) : null,
        ]),
      ),
    ],
  };
}

/** Volatility of a slice in percent at each of these log-moneynesses, between its quotes; null beyond. */
function along({ log_moneyness: k, mid_iv: iv }, grid) {
  const known = k.map((_, i) => i).filter((i) => typeof iv[i] === 'number');
  let at = 0;
  return grid.map((x) => {
    while (at + 1 < known.length && k[known[at + 1]] < x) at++;
    const [a, b] = [known[at], known[at + 1]];
    if (b === undefined || x < k[a] || x > k[b]) return null;
    return 100 * (iv[a] + ((iv[b] - iv[a]) * (x - k[a])) / (k[b] - k[a]));
  });
}

/** Raw SVI (Gatheral): total variance to volatility in percent. */
function svi({ svi: { a, b, rho, m, sigma }, t_years: t }, k) {
  const variance = a + b * (rho * (k - m) + Math.sqrt((k - m) ** 2 + sigma ** 2));
  return variance > 0 ? 100 * Math.sqrt(variance / t) : null;
}

function spreadOut(rows, most) {
  if (rows.length <= most) return rows;
  return Array.from({ length: most }, (_, i) => rows[Math.round((i * (rows.length - 1)) / (most - 1))]);
}
