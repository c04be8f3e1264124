/** Findings in words: a title, the number that matters, and the evidence by name. */

import { compact, count, integer, percent, significant } from '../../lib/format';
import type { Finding, LayerInfo } from '../../wire';
import { filterWord } from '../../lib/names';

export interface Evidence {
  name: string;
  value: string;
}

/** `2 filters are dead`. */
export function titleOf(finding: Finding, layer: LayerInfo | null): string {
  const word = filterWord(layer);
  const filters = finding.filters?.length ?? 0;
  const some = filters === 1 ? `1 ${word} is` : `${integer(filters)} ${word}s are`;
  switch (finding.kind) {
    case 'stable':
      return 'Layer is stable';
    case 'dead':
      return `${some} dead`;
    case 'always_on':
      return `${some} always on`;
    case 'weakening':
      return `${some} weakening`;
    case 'undetected':
      return finding.evidence['blank'] === 1 ? 'Blank background' : 'Undetected pattern';
    case 'redundant':
      return `${some} redundant`;
    case 'oversized':
      return 'Layer is larger than it needs';
    case 'unnecessary_layer':
      return 'Layers after this add little';
    case 'missing_layer':
      return 'Another layer may help';
    case 'invalid':
      return 'Activations are not finite';
  }
}

/** The number that a collapsed finding shows. */
export function figureOf(finding: Finding, layer: LayerInfo | null): string {
  const { evidence } = finding;
  const listed = finding.filters && finding.filters.length > 0 ? firstFilters(finding.filters, 6) : null;
  switch (finding.kind) {
    case 'stable':
      return `since iteration ${integer(evidence['since'])}`;
    case 'undetected':
      return `${count(evidence['instances'] ?? 0, 'instance')} of ${count(evidence['inputs'] ?? 0, 'input')}`;
    case 'oversized': {
      const effective = evidence['effective_filters'];
      if (!known(effective)) return `${percent(evidence['share'], 0)} wasted`;
      return `varies like ${significant(effective)} of ${integer(layer?.filters)} ${filterWord(layer)}s`;
    }
    case 'redundant':
      return `${listed ?? ''}${known(evidence['phi']) ? ` · similarity ${significant(evidence['phi'])}` : ''}`;
    case 'unnecessary_layer':
    case 'missing_layer':
      return `${gain(evidence['neighbour_gain'])} points`;
    case 'invalid':
      return `${compact(evidence['invalid'])} of ${count(evidence['n'] ?? 0, 'instance')}`;
    default:
      return listed ?? finding.text;
  }
}

const NAMES: Record<string, (value: number) => Evidence> = {
  n: (value) => ({ name: 'Instances', value: integer(value) }),
  instances: (value) => ({ name: 'Instances found', value: integer(value) }),
  inputs: (value) => ({ name: 'Distinct inputs', value: integer(value) }),
  fired: (value) => ({ name: 'Fired', value: integer(value) }),
  upper_bound: (value) => ({ name: 'Firing rate, 95 % bound', value: `< ${percent(value, 2)}` }),
  lower_bound: (value) => ({ name: 'Firing share, 95 % bound', value: `> ${percent(value, 1)}` }),
  firing_share: (value) => ({ name: 'Firing share', value: percent(value) }),
  variation: (value) => ({ name: 'Variation', value: significant(value) }),
  lowest: (value) => ({ name: 'Weakest, of its maximum', value: percent(value, 0) }),
  phi: (value) => ({ name: 'Lowest similarity', value: significant(value) }),
  groups: (value) => ({ name: 'Groups', value: integer(value) }),
  surplus: (value) => ({ name: 'Surplus', value: integer(value) }),
  dead: (value) => ({ name: 'Dead', value: integer(value) }),
  effective_filters: (value) => ({ name: 'Effective filters', value: significant(value) }),
  drift: (value) => ({ name: 'Drift', value: significant(value) }),
  since: (value) => ({ name: 'Since iteration', value: integer(value) }),
  neighbour_purity: (value) => ({ name: 'Neighbours of one label', value: percent(value) }),
  neighbour_gain: (value) => ({ name: 'Gain, neighbours', value: `${gain(value)} points` }),
  ridge_accuracy: (value) => ({ name: 'Ridge probe', value: percent(value) }),
  ridge_gain: (value) => ({ name: 'Gain, ridge probe', value: `${gain(value)} points` }),
  sampling_error: (value) => ({ name: 'Sampling error', value: `± ${significant(value * 100, 2)} points` }),
  label_share: (value) => ({ name: 'Of one label', value: percent(value, 0) }),
  accuracy: (value) => ({ name: 'Accuracy', value: percent(value) }),
  invalid: (value) => ({ name: 'Not finite', value: integer(value) }),
};

/** What `threshold` and `share` are of, by the finding's kind. */
const LIMITS: Partial<Record<Finding['kind'], (value: number) => Evidence>> = {
  stable: (value) => ({ name: 'Limit of drift', value: significant(value) }),
  dead: (value) => ({ name: 'Counts as firing above', value: `${significant(value)} of the largest` }),
  always_on: (value) => ({ name: 'Counts as firing above', value: `${percent(value, 0)} of the largest` }),
  weakening: (value) => ({ name: 'Limit, of its maximum', value: percent(value, 0) }),
  redundant: (value) => ({ name: 'Least similarity of a group', value: significant(value) }),
  undetected: (value) => ({ name: 'Limit of activation', value: significant(value) }),
  oversized: (value) => ({ name: 'Wasted share that counts', value: percent(value, 0) }),
  unnecessary_layer: (value) => ({ name: 'Least gain of use', value: `${gain(value)} points` }),
  missing_layer: (value) => ({ name: 'Poor accuracy is below', value: percent(value, 0) }),
};
const SHARES: Partial<Record<Finding['kind'], string>> = {
  dead: 'Share of filters',
  always_on: 'Share of filters',
  weakening: 'Share of filters',
  redundant: 'Share of filters',
  oversized: 'Wasted share',
  undetected: 'Share of instances',
  invalid: 'Share of instances',
};

/** The evidence in the order that it is best read in; what has no name here is left to the JSON. */
export function evidenceOf(finding: Finding): Evidence[] {
  const named = Object.entries(NAMES).flatMap(([key, words]) => {
    const value = finding.evidence[key];
    return known(value) ? [words(value)] : [];
  });
  const { share, threshold } = finding.evidence;
  const shareName = SHARES[finding.kind];
  const limit = LIMITS[finding.kind];
  if (known(share) && shareName) named.push({ name: shareName, value: percent(share) });
  if (known(threshold) && limit) named.push(limit(threshold));
  return named;
}

/** `#0 #6 #14 and 3 more`. */
export function firstFilters(filters: readonly number[], most: number): string {
  const shown = filters.slice(0, most).map((filter) => `#${filter}`);
  const rest = filters.length - shown.length;
  return rest > 0 ? `${shown.join(' ')} and ${integer(rest)} more` : shown.join(' ');
}

function gain(share: number | null | undefined): string {
  if (!known(share)) return '–';
  const text = significant(share * 100, 2);
  return share > 0 ? `+${text}` : text;
}

function known(value: number | null | undefined): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}
