/** The input map as a table, one row an instance, with identities. */

import type { Table } from '../../lib/table';
import type { InputMap } from '../../net/views';
import { labels, run, selection } from '../../state';

export function mapTable(map: InputMap): Table {
  return {
    caption: `Instances of ${run.layer?.name ?? 'the layer'} at iteration ${map.step}`,
    columns: ['Input', 'Split', 'Row', 'Column', 'Label', 'Prediction', 'Largest activation', 'Alike', 'x', 'y'].map(
      (title) => ({ title }),
    ),
    rows: Array.from({ length: map.count }, (_, row) => [
      map.input[row]!,
      map.split[row] === 1 ? 'validation' : 'training',
      map.place[2 * row]!,
      map.place[2 * row + 1]!,
      map.label[row]! >= 0 ? labels.name(map.label[row]!) : null,
      map.prediction[row]! >= 0 ? labels.name(map.prediction[row]!) : null,
      map.maxActivation[row]!,
      map.multiplicity[row]!,
      map.position[2 * row]!,
      map.position[2 * row + 1]!,
    ]),
    selected: (row) => selection.instances?.has(map.keys[row]!) ?? false,
    choose: (row) => selection.chooseInstances([map.keys[row]!]),
  };
}
