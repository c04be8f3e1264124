/** Single keys: what each does. Off while something is typed, and where the viewer has turned them off. */

import { run, selection, session, settings, type Overlay } from '../../state';

class Keyboard {
  /** Whether the list of keys is shown. */
  help = $state(false);
}

export const keyboard = new Keyboard();

/** The keys for the help, in its order. */
export const KEYS: readonly { what: string; keys: readonly string[] }[] = [
  { what: 'Pause or resume', keys: ['Space'] },
  { what: 'Layer 1 to 9', keys: ['1', '…', '9'] },
  { what: 'Previous / next layer', keys: ['K', 'J'] },
  { what: 'Earlier / later window', keys: ['←', '→'] },
  { what: 'Back to live', keys: ['L'] },
  { what: 'Previous / next filter', keys: ['[', ']'] },
  { what: 'Overlay: label, max, filter', keys: ['O'] },
  { what: 'Density of the input map', keys: ['D'] },
  { what: 'Restore view, clear selection', keys: ['Esc'] },
  { what: 'Light / dark', keys: ['T'] },
  { what: 'This help', keys: ['?'] },
];

const OVERLAYS: readonly Overlay[] = ['label', 'max', 'filter'];

/** Does what a key stands for; returns whether it stood for anything. */
export function press(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return false;
  if (event.key === 'Escape') return escape();
  if (event.key === '?') {
    keyboard.help = true;
    return true;
  }
  if (!settings.singleKeys || document.querySelector('dialog[open]') !== null) return false;
  const act = ACTIONS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (act !== undefined && !(takesArrows(event.target) && event.key.startsWith('Arrow'))) {
    if (event.key === ' ' && event.target instanceof HTMLElement && event.target.closest('button, a, summary'))
      return false;
    act();
    return true;
  }
  if (/^[1-9]$/.test(event.key)) {
    const layer = run.layers[Number(event.key) - 1];
    if (layer) selection.chooseLayer(layer.index);
    return layer !== undefined;
  }
  return false;
}

const ACTIONS: Record<string, () => void> = {
  ' ': togglePause,
  j: () => moveLayer(1),
  k: () => moveLayer(-1),
  ArrowLeft: () => session.moveWindow(-1),
  ArrowRight: () => session.moveWindow(1),
  l: () => session.goTo(null),
  '[': () => moveFilter(-1),
  ']': () => moveFilter(1),
  o: nextOverlay,
  d: () => (selection.density = !selection.density),
  t: () => settings.toggleTheme(),
};

function togglePause(): void {
  if (!run.detail?.control?.pause) return;
  if (run.phase === 'paused') void session.control('resume');
  else if (run.phase === 'training') void session.control('pause');
}

function moveLayer(by: number): void {
  const at = run.layers.findIndex((layer) => layer.index === selection.layer);
  const next = run.layers[Math.max(0, Math.min(run.layers.length - 1, at + by))];
  if (next) selection.chooseLayer(next.index);
}

function moveFilter(by: number): void {
  const count = run.layer?.filters ?? 0;
  if (count === 0) return;
  const next = selection.filter === null ? (by > 0 ? 0 : count - 1) : (selection.filter + by + count) % count;
  selection.chooseFilters([next]);
}

function nextOverlay(): void {
  const usable = selection.filter === null ? OVERLAYS.slice(0, 2) : OVERLAYS;
  selection.overlay = usable[(usable.indexOf(selection.overlay) + 1) % usable.length]!;
}

function escape(): boolean {
  if (document.querySelector('dialog[open]') !== null) return false;
  if (selection.maximised !== null) selection.maximised = null;
  else selection.clear();
  return true;
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;
}

/** Maps, lists and sliders move by arrows themselves. */
function takesArrows(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest('canvas, [role=slider], [role=listbox], [role=menu], [role=application], [role=region]') !== null
  );
}
