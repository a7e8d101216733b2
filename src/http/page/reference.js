// The price a change is measured against: the open of the oldest 15-minute bar of the symbol's last
// 12 hours. Asked for symbols in sight, a few at a time: again each quarter of an hour, when the day of
// the newest bar is over, and soon where it failed.

import { get } from './api.js';

const AT_ONCE = 3;
const AGAIN_MS = 15 * 60_000;
const RETRY_MS = 10_000;
const SESSION_MS = 12 * 3_600_000;

const opens = new Map();
/** When each symbol is to be asked for next. */
const due = new Map();
let waiting = [];
let running = 0;

const dayOf = (ms) => new Date(ms).toDateString();

/** `{price, at, newest}`, or nothing yet; `newest` is when the newest bar began. */
export const openOf = (symbol) => opens.get(symbol);

/** Takes the newest bar's start from whoever has it: one of another day makes the open the past's. */
export function newestBar(symbol, bars) {
  const found = oldest(bars);
  if (!found) return;
  opens.set(symbol, found);
  due.set(symbol, Date.now() + AGAIN_MS);
}

/** Sees to it that these symbols have one soon. */
export function want(symbols) {
  const now = Date.now();
  waiting = symbols.filter((symbol) => {
    const open = opens.get(symbol);
    // Another day may have begun: ask, but not at every look.
    const over = open && dayOf(open.newest) !== dayOf(now) && now - open.askedAt > RETRY_MS * 6;
    return over || now > (due.get(symbol) ?? 0);
  });
  while (running < AT_ONCE && waiting.length) ask();
}

async function ask() {
  const symbol = waiting.shift();
  if (symbol === undefined) return;
  due.set(symbol, Infinity);
  running++;
  let wait = RETRY_MS;
  try {
    const open = oldest(await get(`/analytics/${encodeURIComponent(symbol)}/bars`));
    if (open) {
      // A new day's first bar replaces the old day's open at once.
      opens.set(symbol, open);
      wait = AGAIN_MS;
    }
  } catch {
    // It stays as it was, or absent, and the table says so.
  }
  due.set(symbol, Date.now() + wait);
  running--;
  ask();
}

export function oldest(bars) {
  const window = bars?.windows?.find((one) => one.window_minutes === 15);
  if (!window?.start_ms.length) return undefined;
  const newest = window.start_ms.at(-1);
  const i = window.start_ms.findIndex((at) => newest - at < SESSION_MS);
  return { price: window.open[i], at: window.start_ms[i], newest, askedAt: Date.now() };
}
