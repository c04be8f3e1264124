/** A run's data and solver in a few words. */

import type { RunDetail } from '../../wire';

/** `mnist · sgd 0.01 · batch 64`, as far as it is known. */
export function solverWords(detail: RunDetail): string {
  const settings = settingsOf(detail.settings);
  const solver = (settings['solver'] ?? settings) as Record<string, unknown>;
  const kind = text(solver['type'] ?? solver['optimizer'] ?? solver['optimiser']);
  const rate = text(settings['lr'] ?? solver['lr'] ?? solver['learning_rate']);
  const words = [detail.data, [kind?.toUpperCase(), rate].filter(Boolean).join(' ')];
  if (detail.batch !== null) words.push(`batch ${detail.batch}`);
  return words.filter(Boolean).join(' · ');
}

function settingsOf(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}
