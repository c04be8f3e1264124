/** Areas that a pointer draws: polygons as interleaved `x, y`, closed by themselves. */

/** Whether (x, y) lies inside (even-odd rule). */
export function insidePolygon(polygon: ArrayLike<number>, x: number, y: number): boolean {
  let inside = false;
  const corners = polygon.length / 2;
  for (let i = 0, j = corners - 1; i < corners; j = i++) {
    const x1 = polygon[2 * i]!;
    const y1 = polygon[2 * i + 1]!;
    const x2 = polygon[2 * j]!;
    const y2 = polygon[2 * j + 1]!;
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}

/** Length of the outline's bounding box diagonal: tells a drawn area from a click that trembled. */
export function polygonExtent(polygon: ArrayLike<number>): number {
  let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i + 1 < polygon.length; i += 2) {
    minX = Math.min(minX, polygon[i]!);
    maxX = Math.max(maxX, polygon[i]!);
    minY = Math.min(minY, polygon[i + 1]!);
    maxY = Math.max(maxY, polygon[i + 1]!);
  }
  return minX > maxX ? 0 : Math.hypot(maxX - minX, maxY - minY);
}
