import { conditionList, OFF_EXCHANGE, type Print } from './prints.js';
import type { Random } from './random.js';
import { NS_PER_SECOND } from './rhythm.js';

/**
 * What goes wrong on a real tape: corrected and cancelled prints, and rows the vendor repeats. Then the day is put in
 * the order of publication and numbered.
 */
export function finishTape(random: Random, prints: Print[], lastReport: number): readonly Print[] {
  const extra: Print[] = [];
  const plain = prints.filter(
    ({ kind, sip }) => kind !== 'auction' && sip < lastReport - 3600 * NS_PER_SECOND,
  );
  const touched = new Set<Print>();
  const anyPrint = (): Print | undefined => {
    const print = plain[random.int(0, Math.max(0, plain.length - 1))];
    if (print === undefined || touched.has(print)) return undefined;
    touched.add(print);
    return print;
  };
  const later = (print: Print) => {
    const sip = print.sip + Math.round(NS_PER_SECOND * (20 + random.exponential(600)));
    return { ...print, sip, trf: print.exchange === OFF_EXCHANGE ? sip - 20_000 : 0 };
  };

  for (let n = random.poisson(0.8); n > 0; n--) {
    const print = anyPrint();
    if (print === undefined) continue;
    // 12 repeats the wrong original, 1 carries what should have been.
    extra.push({ ...later(print), correction: 12 });
    print.correction = 1;
    const size = Math.max(1, Math.round(print.size * (random.chance(0.5) ? 0.5 : 0.9)));
    const codes = print.conditions.filter((code) => code !== 37);
    print.size = size;
    print.conditions = conditionList(...codes, ...(size < 100 ? [37] : []));
  }
  for (let n = random.poisson(0.8); n > 0; n--) {
    const print = anyPrint();
    if (print === undefined) continue;
    const cancelled = random.chance(0.8);
    extra.push({ ...later(print), correction: cancelled ? 10 : 11 });
    print.correction = cancelled ? 8 : 7;
  }
  for (let n = random.poisson(0.7); n > 0; n--) {
    const print = anyPrint();
    if (print !== undefined) print.copies = 2;
  }

  const day = [...prints, ...extra].sort((a, b) => a.sip - b.sip);
  let sequence = 1000;
  for (const print of day) {
    sequence += random.int(1, 60);
    print.sequence = sequence;
  }
  return day;
}
