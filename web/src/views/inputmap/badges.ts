/** Where a label's badge stands: amid a neighbourhood that is mostly its own. */

import type { InputMap } from '../../net/views';
import type { PointIndex } from '../../render/point-index';

export interface Badge {
  label: number;
  row: number;
  /** Share of the neighbourhood with this label. */
  purity: number;
}

/** A neighbourhood belongs to a label that holds more than this of it. */
const MAJORITY = 0.62;
/** Radius of a neighbourhood as a share of the map's larger side. */
const RADIUS = 0.06;
/** Instances of a label that are tried as the place of its badge. */
const TRIED = 40;
const FEWEST = 5;

export function badgesOf(map: InputMap, index: PointIndex, labels: number): Badge[] {
  const { minX, maxX, minY, maxY } = index.bounds;
  const reach = RADIUS * Math.max(maxX - minX, maxY - minY);
  const rows = Array.from({ length: labels }, () => [] as number[]);
  for (let row = 0; row < map.count; row++) rows[map.label[row]!]?.push(row);
  return rows.flatMap((own, label) => {
    const best = own.length >= FEWEST ? densest(map, index, own, label, reach) : null;
    return best === null ? [] : [best];
  });
}

/** The place with the most instances of a label around it that is still mostly its own. */
function densest(map: InputMap, index: PointIndex, own: number[], label: number, reach: number): Badge | null {
  const step = Math.max(1, Math.floor(own.length / TRIED));
  let best: Badge | null = null;
  let most = 0;
  for (let place = 0; place < own.length; place += step) {
    const row = own[place]!;
    const x = map.position[2 * row]!;
    const y = map.position[2 * row + 1]!;
    let all = 0;
    let same = 0;
    index.visit(x - reach, y - reach, x + reach, y + reach, (other) => {
      all += 1;
      if (map.label[other] === label) same += 1;
    });
    const purity = same / all;
    if (same >= FEWEST && purity > MAJORITY && same * purity > most) {
      most = same * purity;
      best = { label, row, purity };
    }
  }
  return best;
}
