/**
 * How wide 16:9 tiles may be so that all of them fit an area.
 *
 * Every number of columns is tried; with a dozen people that is cheaper than being clever.
 */
const RATIO = 16 / 9;
const SMALLEST = 132; // pixels; below this a name plate is unreadable, and the grid scrolls instead

export function tileWidth(count, width, height, gap) {
  let best = 0;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const byWidth = (width - gap * (columns - 1)) / columns;
    const byHeight = ((height - gap * (rows - 1)) / rows) * RATIO;
    best = Math.max(best, Math.min(byWidth, byHeight));
  }
  return Math.floor(Math.max(best, Math.min(SMALLEST, width)));
}
