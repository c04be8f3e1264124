/** Groups of instances that lie together in the map: k-means from evenly spread starts, the same at every call. */

const ROUNDS = 25;

/** The group of each point, the largest group first; points that are not finite are in none (-1). */
export function clustersOf(position: Float32Array, groups: number): Int32Array {
  const count = position.length / 2;
  const rows = Array.from({ length: count }, (_, row) => row).filter(
    (row) => Number.isFinite(position[2 * row]) && Number.isFinite(position[2 * row + 1]),
  );
  const group = new Int32Array(count).fill(-1);
  if (rows.length === 0) return group;
  const centres = farthestFirst(position, rows, Math.min(groups, rows.length));
  const k = centres.length / 2;
  for (let round = 0; round < ROUNDS; round++) {
    const sums = new Float64Array(3 * k);
    let moved = false;
    for (const row of rows) {
      const nearest = nearestCentre(centres, position[2 * row]!, position[2 * row + 1]!);
      moved ||= group[row] !== nearest;
      group[row] = nearest;
      sums[3 * nearest]! += position[2 * row]!;
      sums[3 * nearest + 1]! += position[2 * row + 1]!;
      sums[3 * nearest + 2]! += 1;
    }
    if (!moved) break;
    for (let centre = 0; centre < k; centre++) {
      const size = sums[3 * centre + 2]!;
      if (size === 0) continue;
      centres[2 * centre] = sums[3 * centre]! / size;
      centres[2 * centre + 1] = sums[3 * centre + 1]! / size;
    }
  }
  return bySize(group, k);
}

/** Starts: the first point, then always the one farthest from all before it. */
function farthestFirst(position: Float32Array, rows: readonly number[], k: number): Float64Array {
  const centres = new Float64Array(2 * k);
  const distance = new Float64Array(rows.length).fill(Infinity);
  let next = 0;
  for (let centre = 0; centre < k; centre++) {
    const x = position[2 * rows[next]!]!;
    const y = position[2 * rows[next]! + 1]!;
    centres.set([x, y], 2 * centre);
    let farthest = -1;
    rows.forEach((row, index) => {
      const d = (position[2 * row]! - x) ** 2 + (position[2 * row + 1]! - y) ** 2;
      distance[index] = Math.min(distance[index]!, d);
      if (distance[index]! > farthest) {
        farthest = distance[index]!;
        next = index;
      }
    });
  }
  return centres;
}

function nearestCentre(centres: Float64Array, x: number, y: number): number {
  let best = 0;
  let least = Infinity;
  for (let centre = 0; centre < centres.length / 2; centre++) {
    const d = (centres[2 * centre]! - x) ** 2 + (centres[2 * centre + 1]! - y) ** 2;
    if (d < least) {
      least = d;
      best = centre;
    }
  }
  return best;
}

function bySize(group: Int32Array, k: number): Int32Array {
  const sizes = new Array<number>(k).fill(0);
  for (const one of group) if (one >= 0) sizes[one]! += 1;
  const order = sizes.map((_, index) => index).sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  const rank = new Int32Array(k);
  order.forEach((old, place) => (rank[old] = place));
  return group.map((one) => (one < 0 ? -1 : rank[one]!));
}
