// The price a change is measured against: the open of the oldest 15-minute bar of the symbol's last
// 12 hours. Asked for once a symbol, for symbols in sight, a few at a time, and again each quarter of an hour.

import { get } from './api.js';

const AT_ONCE = 3;
const AGAIN_MS = 15 * 60_000;
const SESSION_MS = 12 * 3_600_000;

const opens = new Map();
const asked = new Map();
let waiting = [];
let running = 0;

/** `{price, at}`, or nothing yet. */
export const openOf = (symbol) => opens.get(symbol);

/** Sees to it that these symbols have one soon. */
export function want(symbols) {
  const now = Date.now();
  waiting = symbols.filter((symbol) => now - (asked.get(symbol) ?? 0) > AGAIN_MS);
  while (running < AT_ONCE && waiting.length) ask();
}

async function ask() {
  const symbol = waiting.shift();
  if (symbol === undefined) return;
  asked.set(symbol, Date.now());
  running++;
  try {
    const bars = await get(`/analytics/${encodeURIComponent(symbol)}/bars`);
    const open = oldest(bars);
    if (open) opens.set(symbol, open);
  } catch {
    // It stays absent, and the table says so.
  }
  running--;
  ask();
}

export function oldest(bars) {
  const window = bars.windows?.find((one) => one.window_minutes === 15);
  if (!window?.start_ms.length) return undefined;
  const newest = window.start_ms.at(-1);
  const i = window.start_ms.findIndex((at) => newest - at < SESSION_MS);
  return { price: window.open[i], at: window.start_ms[i] };
}
