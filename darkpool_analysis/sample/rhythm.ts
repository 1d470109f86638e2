import type { Session } from '../market_calendar.js';
import type { Random } from './random.js';

export const NS_PER_SECOND = 1e9;
export const NS_PER_HOUR = 3600e9;
/** The facilities for off-exchange reports open at 08:00 New York: what executed before is reported then. */
export const TRF_OPENS = 8 * NS_PER_HOUR;

/** A stretch of the day with one way of trading. Times are nanoseconds after New York midnight. */
export interface Phase {
  readonly name: 'pre' | 'regular' | 'post';
  readonly start: number;
  readonly end: number;
  /** Part of the day's prints. */
  readonly share: number;
  /** Quoted spreads against those of regular hours. */
  readonly widening: number;
  /** Activity over the phase: a flat part, a rush at the start and one towards the end. */
  readonly startRush: number;
  readonly endRush: number;
}

const START_SCALE = 0.1;
const END_SCALE = 0.07;
const END_FLOOR = Math.exp(-1 / END_SCALE);
const START_CAP = 1 - Math.exp(-1 / START_SCALE);

/** The three phases of a session; an early close moves the last two forward. */
export function phasesOf(session: Session): readonly [Phase, Phase, Phase] {
  // Whole hours and minutes: exact in a double.
  const open = Number(session.openNs - session.dayStartNs);
  const close = Number(session.closeNs - session.dayStartNs);
  return [
    {
      name: 'pre',
      start: 4 * NS_PER_HOUR,
      end: open,
      share: 0.028,
      widening: 3,
      startRush: 0.02,
      endRush: 0.5,
    },
    { name: 'regular', start: open, end: close, share: 1, widening: 1, startRush: 0.26, endRush: 0.22 },
    {
      name: 'post',
      start: close,
      end: close + 4 * NS_PER_HOUR,
      share: 0.022,
      widening: 3,
      startRush: 0.55,
      endRush: 0,
    },
  ];
}

/** Part of a phase's activity that lies before `time`: business time, in which variance grows evenly. */
export function businessTime(phase: Phase, time: number): number {
  const u = (time - phase.start) / (phase.end - phase.start);
  const start = (1 - Math.exp(-u / START_SCALE)) / START_CAP;
  const end = (Math.exp(-(1 - u) / END_SCALE) - END_FLOOR) / (1 - END_FLOOR);
  return (1 - phase.startRush - phase.endRush) * u + phase.startRush * start + phase.endRush * end;
}

function freshTime(random: Random, phase: Phase): number {
  const which = random.uniform();
  let u = random.fine();
  if (which < phase.startRush) u = -START_SCALE * Math.log(1 - u * START_CAP);
  else if (which < phase.startRush + phase.endRush) {
    u = 1 + END_SCALE * Math.log(u * (1 - END_FLOOR) + END_FLOOR);
  }
  return phase.start + u * (phase.end - phase.start);
}

/**
 * Times of about `count` events of a phase, ascending: bursts, each begun by a fresh moment and followed at
 * intervals of milliseconds to seconds, as orders answer orders.
 */
export function eventTimes(random: Random, phase: Phase, count: number): Float64Array {
  const times = new Float64Array(count);
  let filled = 0;
  let time = 0;
  while (filled < count) {
    time =
      filled === 0 || random.chance(0.14)
        ? freshTime(random, phase)
        : time + random.exponential(random.chance(0.7) ? 2.5e7 : 1.2e9);
    // The last millisecond stays free, so that the prints of one order do not cross the close.
    if (time < phase.end - 1e6) times[filled++] = Math.floor(time);
    else time = freshTime(random, phase);
  }
  return times.sort();
}
