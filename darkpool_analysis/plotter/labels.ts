/** Labels beside data points that touch neither each other nor the points: the first free place, else no label. */

/** A rectangle in pixels. */
export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A label wanted at a point, with the places it may take, best first. */
export interface Wanted<T> {
  readonly item: T;
  readonly places: readonly Box[];
  /** Shown only where it is clear of lines too. */
  readonly strict?: boolean;
}

export function boxAround(x: number, y: number, width: number, height: number): Box {
  return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
}

/** Little boxes along a straight line: labels keep off it where they can. */
export function boxesAlong(x1: number, y1: number, x2: number, y2: number): Box[] {
  const steps = Math.max(1, Math.ceil(Math.hypot(x2 - x1, y2 - y1) / 5));
  return Array.from({ length: steps + 1 }, (_, i) =>
    boxAround(x1 + ((x2 - x1) * i) / steps, y1 + ((y2 - y1) * i) / steps, 3, 3),
  );
}

function touches(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/**
 * Places labels in the order wanted. `hard` boxes are never covered; `soft` ones (lines, which a halo keeps readable)
 * only when no place is free of them. Returns the chosen place of each label that found one.
 */
export function placeLabels<T>(
  wanted: readonly Wanted<T>[],
  area: Box,
  hard: readonly Box[],
  soft: readonly Box[],
): { item: T; box: Box }[] {
  const taken = [...hard];
  const placed: { item: T; box: Box }[] = [];
  const inside = (box: Box) =>
    box.left >= area.left && box.right <= area.right && box.top >= area.top && box.bottom <= area.bottom;
  for (const { item, places, strict = false } of wanted) {
    const possible = places.filter((box) => inside(box) && !taken.some((other) => touches(box, other)));
    const clear = possible.find((box) => !soft.some((other) => touches(box, other)));
    const box = clear ?? (strict ? undefined : possible[0]);
    if (box === undefined) continue;
    taken.push(box);
    placed.push({ item, box });
  }
  return placed;
}
